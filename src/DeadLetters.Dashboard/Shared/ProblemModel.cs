namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Why a page can't be shown, and what to do.</summary>
internal sealed record ProblemModel(string Heading, string Text, string? Advice)
{
    /// <summary>Whether operations of other instances are listed: one of them is the reason.</summary>
    public bool IsOfOperation { get; init; }
}
