using System.Globalization;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>
/// Reads and writes a query of the catalogue in forms and addresses. What may be personal data (the text, a header's value, an id that is none of a
/// usual shape) is encrypted in addresses, as <see cref="FilterForm"/> does.
/// </summary>
internal static class QueryForm
{
    public const string Box = "q";

    private static readonly Dictionary<string, TimeSpan> _spans = new()
    {
        ["1h"] = TimeSpan.FromHours(1),
        ["24h"] = TimeSpan.FromDays(1),
        ["7d"] = TimeSpan.FromDays(7),
    };

    /// <summary>The lengths of the histogram: their names in addresses, and their words.</summary>
    public static IReadOnlyList<(string Name, string Words)> Spans { get; } = [("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d")];

    /// <summary>Reads the query of an address or a form.</summary>
    /// <exception cref="FormatException">A part can't be read.</exception>
    public static CatalogueQuery Read(PageContext page)
    {
        var query = CatalogueQuery.Parse(page.Value(Box));
        if (FilterForm.Decrypt(page) is { } words)
        {
            var hidden = CatalogueQuery.Parse(words);
            query = query with { Text = hidden.Text ?? query.Text, Header = hidden.Header ?? query.Header, Id = hidden.Id ?? query.Id };
        }
        if (page.IsPost && page.IsTicked("fields"))
            query = WithFields(page, query);
        return query with { Span = _spans.GetValueOrDefault(page.Value("span") ?? "", CatalogueQuery.All.Span) };
    }

    /// <summary>Whether an address has a readable part that <see cref="Parts"/> would encrypt.</summary>
    public static bool IsReadable(PageContext page) => !page.IsPost && page.Value(Box) is { } text && Hidden(CatalogueQuery.Parse(text)) is not null;

    /// <summary>The query string that <see cref="Read"/> reads.</summary>
    public static string Query(PageContext page, CatalogueQuery query, params IEnumerable<(string, string?)> more) => Links.Query([.. Parts(page, query), .. more]);

    /// <summary>The hidden fields that <see cref="Read"/> reads.</summary>
    public static IEnumerable<(string Name, string? Value)> Parts(PageContext page, CatalogueQuery query) =>
    [
        (Box, Open(query) is { Length: > 0 } open ? open : null),
        (FilterForm.Words, FilterForm.Encrypt(page, Hidden(query))),
        ("span", SpanName(query) is var name && name != SpanName(CatalogueQuery.All) ? name : null),
    ];

    public static string SpanName(CatalogueQuery query) => _spans.FirstOrDefault(span => span.Value == query.Span).Key ?? "24h";

    /// <summary>The length of a histogram by its name; null if it has none.</summary>
    public static TimeSpan? SpanOf(string name) => _spans.TryGetValue(name, out var span) ? span : null;

    /// <summary>Whether a query has a part that may be personal data, which a URL must not contain.</summary>
    public static bool IsPersonal(CatalogueQuery query) => Hidden(query) is not null;

    /// <summary>Whether the query selects letters by more than the length of the histogram.</summary>
    public static bool IsFiltered(CatalogueQuery query) => query with { Span = CatalogueQuery.All.Span } != CatalogueQuery.All;

    /// <summary>All letters of one queue.</summary>
    public static CatalogueQuery OfQueue(PageContext page, string source, string queue) =>
        CatalogueQuery.All with { Source = page.Shows(source) ? source : null, Queue = CatalogueQuery.CompleteQueue(queue) };

    private static string Open(CatalogueQuery query) => (query with { Text = null, Header = null, Id = IsHarmless(query.Id) ? query.Id : null }).ToString();

    private static string? Hidden(CatalogueQuery query)
    {
        var hidden = CatalogueQuery.All with { Text = query.Text, Header = query.Header, Id = IsHarmless(query.Id) ? null : query.Id };
        return hidden == CatalogueQuery.All ? null : hidden.ToString();
    }

    private static bool IsHarmless(string? id) => id is null || Masking.Value(id) == id;

    private static CatalogueQuery WithFields(PageContext page, CatalogueQuery query) => query with
    {
        Source = page.Form.ContainsKey("source") ? page.Value("source") : query.Source,
        Exception = page.Value("exception"),
        Queue = page.Value("queue"),
        Type = page.Value("type"),
        Consumer = page.Value("consumer"),
        Text = page.Value("text"),
        Since = Time("Since", page.Value("since")),
        Until = Time("Until", page.Value("until")),
    };

    private static DateTimeOffset? Time(string label, string? value) =>
        value is null ? null
        : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw new FormatException($"{label}: “{value}” is not a time. Use the format 2026-01-31T03:00, in UTC.");
}
