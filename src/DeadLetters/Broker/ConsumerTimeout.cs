using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// How long the broker lets a consumer hold a message (consumer_timeout). A queue's argument or policy shows it. No API shows the broker's own
/// setting (30 minutes by default). Where only that applies, a pass is shorter than the shortest timeout that RabbitMQ supports.
/// </summary>
internal static partial class ConsumerTimeout
{
    private static readonly TimeSpan _longestPass = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _defaultPass = TimeSpan.FromSeconds(20); // the broker checks once a minute, and accepts no shorter timeout

    /// <summary>How long a pass of a paced operation may hold messages.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="version">The broker's version.</param>
    /// <param name="countsReturns">Whether each pass counts toward the delivery limit of a message.</param>
    public static TimeSpan LongestPass(BrokerQueue queue, Version version, bool countsReturns)
    {
        if (queue.Type == "classic" && version >= new Version(4, 3))
            return _longestPass; // has no consumer_timeout
        if (queue.ConsumerTimeoutOn(version) is { } timeout)
            return timeout / 3 < _longestPass ? timeout / 3 : _longestPass;
        return countsReturns ? _longestPass : _defaultPass;
    }

    /// <summary>Whether the broker closed a channel because of the timeout.</summary>
    /// <param name="text">The broker's reply text.</param>
    public static bool IsIn(string? text) => text?.Contains("delivery acknowledgement", StringComparison.Ordinal) == true && text.Contains("timed out", StringComparison.Ordinal);

    /// <summary>Describes the timeout, and what to do.</summary>
    /// <param name="text">The broker's reply text.</param>
    public static string InWords(string text) =>
        $"Messages were held longer than RabbitMQ's consumer_timeout{(Value().Match(text) is { Success: true } value ? string.Create(CultureInfo.InvariantCulture, $" of {double.Parse(value.Groups[1].Value, CultureInfo.InvariantCulture) / 1000:0.#} s") : "")}, so RabbitMQ took them back. Messages that were not moved are still in the queue: run the operation again, with a faster pace or a longer consumer_timeout";

    [GeneratedRegex(@"Timeout value used: (\d+) ms")]
    private static partial Regex Value();
}
