namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Why a page can't be shown, and what to do.</summary>
internal sealed record ProblemModel(string Heading, string Text, string? Advice);
