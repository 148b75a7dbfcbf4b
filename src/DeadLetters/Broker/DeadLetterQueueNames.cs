using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The names of the dead-letter queues of a virtual host: by default MassTransit's names, and additional patterns for applications with their
/// own <c>ErrorQueueNameFormatter</c>.
/// </summary>
public sealed class DeadLetterQueueNames
{
    /// <summary>The form of the setting, for error messages.</summary>
    public const string Form = "patterns separated by commas, as in *.dlq,*-errors,payments-dead: each with at most one *, a placeholder for the name of the input queue";

    private const string DiscardedSuffix = "_discarded";
    private const string SkippedSuffix = "_skipped";
    private const int LongestName = 255; // RabbitMQ's limit, in bytes

    private readonly IReadOnlyList<Pattern> _patterns;

    private DeadLetterQueueNames(IEnumerable<string> more) =>
        _patterns = [.. new[] { "*_error", "*" + SkippedSuffix, "*" + DiscardedSuffix }.Concat(more).Distinct().Select(Pattern.Of).OrderByDescending(pattern => pattern.FixedLength)];

    /// <summary>MassTransit's own names: <c>*_error</c>, <c>*_skipped</c>, and <c>*_discarded</c> for discarded messages.</summary>
    public static DeadLetterQueueNames Usual { get; } = new([]);

    /// <summary>MassTransit's names and additional patterns.</summary>
    /// <param name="patterns">See <see cref="Form"/>; null or empty for no additional patterns.</param>
    /// <exception cref="FormatException">A pattern is invalid; the message says which one and why.</exception>
    public static DeadLetterQueueNames Parse(string? patterns) =>
        string.IsNullOrWhiteSpace(patterns) ? Usual
        : new DeadLetterQueueNames(patterns.Split(',', StringSplitOptions.TrimEntries).Select(Checked));

    /// <summary>Whether a queue of that name is a dead-letter queue.</summary>
    /// <param name="queue">The queue's name.</param>
    public bool Contains(string queue) => _patterns.Any(pattern => pattern.Matches(queue));

    /// <summary>The patterns: the text before the placeholder for the input queue's name and the one after it, or a complete name.</summary>
    internal IEnumerable<(string Start, string End, bool HasStar)> Forms => _patterns.Select(pattern => (pattern.Start, pattern.End, pattern.HasStar));

    /// <summary>Whether the queue is a <c>_discarded</c> queue.</summary>
    /// <param name="queue">The queue's name.</param>
    internal static bool IsDiscarded(string queue) => queue.EndsWith(DiscardedSuffix, StringComparison.Ordinal);

    /// <summary>Whether the queue is for messages that failed, as opposed to skipped or discarded messages.</summary>
    /// <param name="queue">The queue's name.</param>
    internal bool IsError(string queue) => Contains(queue) && !IsDiscarded(queue) && !queue.EndsWith(SkippedSuffix, StringComparison.Ordinal);

    /// <summary>The input queue of a dead-letter queue, from its name; the name itself if no pattern matches.</summary>
    /// <param name="queue">A dead-letter queue.</param>
    internal string InputQueueOf(string queue) => _patterns.FirstOrDefault(pattern => pattern.Matches(queue))?.InputQueueOf(queue) ?? queue;

    /// <summary>The possible dead-letter queues of an input queue, one of MassTransit's own names first.</summary>
    /// <param name="inputQueue">The input queue.</param>
    internal IEnumerable<string> Of(string inputQueue) => _patterns.Where(pattern => pattern.HasStar).Select(pattern => pattern.For(inputQueue)).Where(queue => !IsDiscarded(queue));

    private static string Checked(string pattern) =>
        pattern.Length == 0 ? throw new FormatException("a pattern is empty")
        : pattern.Trim('*').Length == 0 ? throw new FormatException($"“{pattern}” matches every queue, including your input queues")
        : pattern.Count(c => c == '*') > 1 ? throw new FormatException($"“{pattern}” has more than one *")
        : Encoding.UTF8.GetByteCount(pattern) > LongestName ? throw new FormatException($"“{pattern}” is longer than a queue name can be ({LongestName} bytes)")
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
