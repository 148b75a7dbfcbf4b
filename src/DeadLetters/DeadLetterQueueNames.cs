using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// How the dead-letter queues of a virtual host are named: as MassTransit names them unless told, and beside that by patterns, for applications with
/// an <c>ErrorQueueNameFormatter</c> of their own.
/// </summary>
public sealed class DeadLetterQueueNames
{
    /// <summary>What a name must look like, for the one who sets it.</summary>
    public const string Form = "patterns separated by commas, as in *.dlq,*-errors,payments-dead: each with one * at most, which stands for the name of the input queue";

    private const string DiscardedSuffix = "_discarded";
    private const string SkippedSuffix = "_skipped";
    private const int LongestName = 255; // RabbitMQ's, in bytes

    private readonly IReadOnlyList<Pattern> _patterns;

    private DeadLetterQueueNames(IEnumerable<string> more) =>
        _patterns = [.. new[] { "*_error", "*" + SkippedSuffix, "*" + DiscardedSuffix }.Concat(more).Distinct().Select(Pattern.Of).OrderByDescending(pattern => pattern.FixedLength)];

    /// <summary>MassTransit's own names: <c>*_error</c>, <c>*_skipped</c>, and <c>*_discarded</c> for what was discarded.</summary>
    public static DeadLetterQueueNames Usual { get; } = new([]);

    /// <summary>The usual names and more.</summary>
    /// <param name="patterns">See <see cref="Form"/>; null or empty: none more.</param>
    /// <exception cref="FormatException">One is no pattern; the message says which and why.</exception>
    public static DeadLetterQueueNames Parse(string? patterns) =>
        string.IsNullOrWhiteSpace(patterns) ? Usual
        : new DeadLetterQueueNames(patterns.Split(',', StringSplitOptions.TrimEntries).Select(Checked));

    /// <summary>Whether a queue of that name holds dead letters.</summary>
    /// <param name="queue">Its name.</param>
    public bool Contains(string queue) => _patterns.Any(pattern => pattern.Matches(queue));

    /// <summary>Whether it holds what was discarded.</summary>
    /// <param name="queue">Its name.</param>
    public static bool IsDiscarded(string queue) => queue.EndsWith(DiscardedSuffix, StringComparison.Ordinal);

    /// <summary>Whether it holds what failed: neither what no consumer wanted nor what was discarded.</summary>
    /// <param name="queue">Its name.</param>
    public bool IsError(string queue) => Contains(queue) && !IsDiscarded(queue) && !queue.EndsWith(SkippedSuffix, StringComparison.Ordinal);

    /// <summary>The queue whose dead letters these are, by the name alone; the name itself where it does not tell.</summary>
    /// <param name="queue">A dead-letter queue.</param>
    public string InputQueueOf(string queue) => _patterns.FirstOrDefault(pattern => pattern.Matches(queue))?.InputQueueOf(queue) ?? queue;

    /// <summary>Where the dead letters of a queue would be, one of MassTransit's own names first.</summary>
    /// <param name="inputQueue">The queue that they fail in.</param>
    public IEnumerable<string> Of(string inputQueue) => _patterns.Where(pattern => pattern.HasStar).Select(pattern => pattern.For(inputQueue)).Where(queue => !IsDiscarded(queue));

    private static string Checked(string pattern) =>
        pattern.Length == 0 ? throw new FormatException("a pattern is empty")
        : pattern.Trim('*').Length == 0 ? throw new FormatException($"“{pattern}” would take each queue for dead letters, your input queues too")
        : pattern.Count(c => c == '*') > 1 ? throw new FormatException($"“{pattern}” has more than one *")
        : Encoding.UTF8.GetByteCount(pattern) > LongestName ? throw new FormatException($"“{pattern}” is longer than the name of a queue can be ({LongestName} bytes)")
        : pattern;

    private sealed record Pattern(string Start, string End, bool HasStar)
    {
        public int FixedLength => Start.Length + End.Length + (HasStar ? 0 : 1);

        public static Pattern Of(string text) => text.IndexOf('*', StringComparison.Ordinal) is >= 0 and var star
            ? new Pattern(text[..star], text[(star + 1)..], HasStar: true)
            : new Pattern(text, "", HasStar: false);

        public bool Matches(string queue) => HasStar
            ? queue.Length > Start.Length + End.Length && queue.StartsWith(Start, StringComparison.Ordinal) && queue.EndsWith(End, StringComparison.Ordinal)
            : queue == Start;

        public string InputQueueOf(string queue) => HasStar ? queue[Start.Length..^End.Length] : queue;

        public string For(string inputQueue) => Start + inputQueue + End;
    }
}
