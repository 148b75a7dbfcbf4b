using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Mcp;

/// <summary>Which dead letters a tool is about.</summary>
internal static class Selection
{
    public const string Words = "Conditions, all of which must hold, as in cause=1a2b3c4d: exception=TYPE, text=WORDS, type=MESSAGE, cause=ID, id=ID[,ID…], since=TIME, until=TIME";

    /// <summary>The dead letters of an act.</summary>
    /// <exception cref="WrongUsageException">Neither a condition nor all, or both.</exception>
    public static DeadLetterFilter Of(string[]? where, bool all) =>
        DeadLetterFilter.Parse(where ?? []) is var filter && filter.IsEmpty == all ? filter
        : throw new WrongUsageException(filter.IsEmpty ? "Select dead letters with where, or all of the queue with all=true" : "where and all can't be combined: use one of them");
}
