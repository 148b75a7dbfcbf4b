using System.Globalization;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Dashboard.Causes;

/// <summary>The marks of a cause as words.</summary>
internal static class MarkTexts
{
    /// <summary>The marks, the most important first: the text, and the class of its colour.</summary>
    public static IReadOnlyList<(string Text, string Kind)> Of(CauseMarks marks, CauseTriage triage)
    {
        var texts = new List<(string, string)>();
        if (marks.IsBack)
            texts.Add(("back after a replay", "bad"));
        if (marks.IsNew)
            texts.Add(("new", "bad"));
        if (marks.IsMuted)
            texts.Add((Muted(triage.Mute!), "warning"));
        if (marks.IsAcknowledged)
            texts.Add(("acknowledged", "good"));
        if (marks.FirstVersion is { } version)
            texts.Add(($"first seen with {version}", "quiet"));
        return texts;
    }

    private static string Muted(Mute mute) => mute.Until is { } until
        ? string.Create(CultureInfo.InvariantCulture, $"muted until {until.UtcDateTime:d MMM HH:mm} UTC")
        : $"muted until version {mute.UntilVersion}";
}
