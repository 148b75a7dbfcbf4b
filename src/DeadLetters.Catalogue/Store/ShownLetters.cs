using System.Globalization;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>A letter that a query selects.</summary>
/// <param name="Key">The letter's row.</param>
/// <param name="Source">The virtual host's name.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Id">The dead letter's id.</param>
internal sealed record SelectedLetter(long Key, string Source, string Queue, string Id);

/// <summary>Which letters a list showed as all that match, in few bytes. An act on all of them acts on these and on no others.</summary>
/// <param name="Count">How many.</param>
/// <param name="Sum">The sum of their rows: it differs if others match.</param>
/// <param name="Newest">The highest row. Letters that come later have higher ones.</param>
internal sealed record ShownLetters(long Count, decimal Sum, long Newest)
{
    /// <summary>Reads what <see cref="ToString"/> writes; null if it is something else.</summary>
    public static ShownLetters? Parse(string text) =>
        text.Split('.') is [var count, var sum, var newest]
            && long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && decimal.TryParse(sum, NumberStyles.None, CultureInfo.InvariantCulture, out var total)
            && long.TryParse(newest, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? new ShownLetters(number, total, last)
            : null;

    /// <summary>The letters that were shown; null if other letters than these match now. Letters that have come since are left out.</summary>
    /// <param name="now">The letters that match now.</param>
    public IReadOnlyList<SelectedLetter>? Among(IEnumerable<SelectedLetter> now)
    {
        SelectedLetter[] same = [.. now.Where(letter => letter.Key <= Newest)];
        return (same.Length, same.Sum(letter => (decimal)letter.Key)) == (Count, Sum) ? same : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count}.{Sum}.{Newest}");
}
