using System.Globalization;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>Selects dead letters. All conditions must hold; without conditions, it selects all.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>The conditions that a user can type, as in <c>exception=Timeout</c>.</summary>
    internal const string Conditions = "exception=TYPE, text=WORDS, type=MESSAGE, cause=ID, id=ID[,ID…], since=TIME, until=TIME";

    /// <summary>No condition: all dead letters.</summary>
    public static DeadLetterFilter All { get; } = new();

    /// <summary>The exception's type contains this text.</summary>
    public string? Exception { get; init; }

    /// <summary>The message or the reason contains these words.</summary>
    public string? Text { get; init; }

    /// <summary>A message type contains this text.</summary>
    public string? MessageType { get; init; }

    /// <summary>The id of a <see cref="DeadLetters.Cause"/>, or of one of its <see cref="CauseVariant"/>s.</summary>
    public string? Cause { get; init; }

    /// <summary>Failed at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Failed at this time or earlier.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>MessageIds, or dead letters' ids.</summary>
    public IReadOnlySet<string>? Ids { get; init; }

    /// <summary>A condition from the application, and its name for the audit log. It can't be typed, so it can test for data that must not be logged.</summary>
    public (string Name, Func<DeadLetter, bool> Holds)? Condition { get; init; }

    /// <summary>Whether the filter has no condition.</summary>
    public bool IsEmpty => this == All;

    /// <summary>Selects dead letters by id.</summary>
    /// <param name="ids">MessageIds, or dead letters' ids.</param>
    public static DeadLetterFilter ById(params IEnumerable<string> ids) => new() { Ids = ids.Select(Normal).ToHashSet(StringComparer.OrdinalIgnoreCase) };

    /// <summary>Parses conditions as a user types them.</summary>
    /// <param name="conditions">Conditions of the form <c>name=value</c>.</param>
    /// <exception cref="FormatException">A condition is invalid; the message lists the valid ones.</exception>
    public static DeadLetterFilter Parse(IEnumerable<string> conditions)
    {
        var (filter, named) = (All, new HashSet<string>());
        foreach (var condition in conditions)
        {
            var parts = condition.Split('=', 2);
            if (parts is not [var name, { Length: > 0 } value])
                throw new FormatException($"“{condition}” is not a condition. Use {Conditions}");
            if (!named.Add(name) && name != "id")
                throw new FormatException($"{name} is given twice, and all conditions must hold: give it once");
            filter = name switch
            {
                "exception" => filter with { Exception = value },
                "text" => filter with { Text = value },
                "type" => filter with { MessageType = value },
                "cause" => filter with { Cause = value },
                "id" => filter with { Ids = ById((filter.Ids ?? new HashSet<string>()).Concat(value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))).Ids },
                "since" => filter with { Since = Time(name, value) },
                "until" => filter with { Until = Time(name, value) },
                _ => throw new FormatException($"Unknown condition “{name}”. Use {Conditions}"),
            };
        }
        return filter;
    }

    /// <summary>Whether the filter selects a dead letter.</summary>
    /// <param name="letter">The dead letter.</param>
    internal bool Matches(DeadLetter letter) =>
        (Ids is null || Ids.Contains(letter.Id) || (letter.MessageId is { } id && Ids.Contains(Normal(id))))
        && (Exception is null || letter.ExceptionType?.Contains(Exception, StringComparison.OrdinalIgnoreCase) == true)
        && (Cause is null || letter.Cause.Id.Equals(Cause, StringComparison.OrdinalIgnoreCase) || letter.Cause.VariantId.Equals(Cause, StringComparison.OrdinalIgnoreCase))
        && (Since is null || letter.FailedAt >= Since)
        && (Until is null || letter.FailedAt <= Until)
        && (MessageType is null || letter.MessageTypes.Any(type => type.Contains(MessageType, StringComparison.OrdinalIgnoreCase)))
        && (Condition is not { } condition || condition.Holds(letter))
        && (Text is null
            || letter.Reason.Contains(Text, StringComparison.OrdinalIgnoreCase)
            || letter.Contains(Text));

    /// <summary>The conditions as a user would type them; “all” without conditions.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Add("exception", Exception);
        Add("text", Text);
        Add("type", MessageType);
        Add("cause", Cause);
        Add("since", Since?.ToString("O", CultureInfo.InvariantCulture));
        Add("until", Until?.ToString("O", CultureInfo.InvariantCulture));
        Add("id", Ids is { Count: > 20 } ? string.Create(CultureInfo.InvariantCulture, $"{Ids.Count} ids") : Ids is null ? null : string.Join(',', Ids.Order(StringComparer.Ordinal)));
        if (Condition is { } condition)
            text.Append(text.Length > 0 ? " " : "").Append(condition.Name);
        return text.Length == 0 ? "all" : text.ToString();

        void Add(string name, string? value)
        {
            if (value is not null)
                text.Append(text.Length > 0 ? " " : "").Append(name).Append('=').Append(value);
        }
    }

    // An id with hyphens and the same id without them are equal.
    private static string Normal(string id) => Guid.TryParse(id, out var guid) ? guid.ToString() : id;

    private static DateTimeOffset Time(string name, string value) =>
        DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new FormatException($"{name}={value} is not a time: write it as in {name}=2026-01-31T03:00Z");
}
