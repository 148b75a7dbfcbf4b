using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>
/// Which letters. As one line of text: <c>exception:Timeout queue:orders age:&lt;1h "connection refused"</c>. Conditions of different names must all
/// hold. Words without a name search the text, as one phrase. In quotation marks, <c>\"</c> is a quotation mark and <c>\\</c> a backslash.
/// </summary>
internal sealed record CatalogueQuery
{
    /// <summary>All letters that are in their queues.</summary>
    public static CatalogueQuery All { get; } = new();

    /// <summary>The virtual host's name on the board, exact.</summary>
    public string? Source { get; init; }

    /// <summary>A part of the queue's name; the complete name in quotation marks.</summary>
    public string? Queue { get; init; }

    /// <summary>A part of the message type.</summary>
    public string? Type { get; init; }

    /// <summary>A part of the exception type.</summary>
    public string? Exception { get; init; }

    /// <summary>A part of the consumer's type.</summary>
    public string? Consumer { get; init; }

    /// <summary>A cause's id.</summary>
    public string? Cause { get; init; }

    /// <summary>A part of the application's version.</summary>
    public string? Version { get; init; }

    /// <summary>A MessageId or a dead letter's id.</summary>
    public string? Id { get; init; }

    /// <summary>A header: <c>header:Tenant=blue</c>.</summary>
    public (string Name, string Value)? Header { get; init; }

    /// <summary>A part of the reason, the body or a header's value.</summary>
    public string? Text { get; init; }

    /// <summary>Whether it searches in the contents of letters.</summary>
    public bool IsSearch => !string.IsNullOrEmpty(Text) || Header is not null;

    /// <summary>Failed at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Failed before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Younger than (<c>age:&lt;1h</c>).</summary>
    public TimeSpan? Younger { get; init; }

    /// <summary>Older than (<c>age:&gt;1d</c>).</summary>
    public TimeSpan? Older { get; init; }

    /// <summary>Where they are; there by default, null for anywhere (<c>state:any</c>).</summary>
    public LetterState? State { get; init; } = LetterState.There;

    /// <summary>The length of the histogram: 1 h, 24 h or 7 d (<c>span</c> in the address, no part of the text). It selects no letters.</summary>
    public TimeSpan Span { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Reads a query from one line of text.</summary>
    /// <exception cref="FormatException">A name or a value is invalid; the message says which, and what is valid.</exception>
    public static CatalogueQuery Parse(string? text) => QueryParser.Parse(text ?? "");

    /// <summary>The query as one line that <see cref="Parse"/> reads; empty for <see cref="All"/>.</summary>
    public override string ToString() => QueryParser.Write(this);

    /// <summary>The value of <see cref="Queue"/> that selects one queue: its complete name.</summary>
    public static string CompleteQueue(string name) => $"\"{name}\"";

    /// <summary>Whether a value of <see cref="Queue"/> is a complete name.</summary>
    public static bool IsComplete(string queue) => queue is ['"', _, .., '"'];
}
