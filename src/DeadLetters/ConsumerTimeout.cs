using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// How long the broker lets a message be held (consumer_timeout). A queue's argument or policy tells; the broker's own setting (30 minutes
/// where nobody changed it) no API does, so where only that one counts nothing is held for longer than the shortest that RabbitMQ supports.
/// </summary>
internal static partial class ConsumerTimeout
{
    private static readonly TimeSpan _longestPass = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _unasked = TimeSpan.FromSeconds(20); // the broker looks once a minute, and takes no less than that

    /// <summary>How long a pass of a paced operation may hold messages.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="version">The broker's version.</param>
    /// <param name="countsReturns">Whether each pass costs a message one of its returns.</param>
    public static TimeSpan LongestPass(BrokerQueue queue, Version version, bool countsReturns)
    {
        if (queue.Type == "classic" && version >= new Version(4, 3))
            return _longestPass; // has none
        if (queue.ConsumerTimeout is { } timeout)
            return timeout / 3 < _longestPass ? timeout / 3 : _longestPass;
        return countsReturns ? _longestPass : _unasked;
    }

    /// <summary>Whether the broker closed a channel for it.</summary>
    /// <param name="text">What it said.</param>
    public static bool IsIn(string? text) => text?.Contains("delivery acknowledgement", StringComparison.Ordinal) == true && text.Contains("timed out", StringComparison.Ordinal);

    /// <summary>What it is, and what to do.</summary>
    /// <param name="text">What the broker said.</param>
    public static string InWords(string text) =>
        $"Messages were held longer than RabbitMQ's consumer_timeout{(Value().Match(text) is { Success: true } value ? string.Create(CultureInfo.InvariantCulture, $" of {double.Parse(value.Groups[1].Value, CultureInfo.InvariantCulture) / 1000:0.#} s") : "")}, so it took them back. What was not moved is in the queue: run it again, with a quicker pace or a longer consumer_timeout";

    [GeneratedRegex(@"Timeout value used: (\d+) ms")]
    private static partial Regex Value();
}
