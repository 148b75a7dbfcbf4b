using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Reads reports from messages of any origin. What can't be a report is dropped; of the rest, texts are cut and impossible numbers removed. Whether
/// the message was replayed at all is decided by the code that has the operation.
/// </summary>
internal static class ReportReader
{
    /// <summary>The largest body of a report, in bytes. Those of the package are below 2 KB.</summary>
    public const int LargestBody = 16 * 1024;

    private const int LongestName = 256;
    private const int LongestReason = 300;
    private const double LongestTry = 1e10; // milliseconds; four months
    private const int LongestOperation = 64;

    /// <summary>Reads a report; null if the message is none.</summary>
    /// <param name="routingKey">The routing key: the replay's id.</param>
    /// <param name="properties">The message's properties.</param>
    /// <param name="body">The message's body.</param>
    public static ReplayReport? Read(string routingKey, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        if (!properties.IsTypePresent() || properties.Type != ReplayReport.Type || body.Length > LargestBody || !TryParseId(routingKey, out _, out _))
            return null;
        // A field that must not be null may be null in JSON.
        if (ReplayReport.Parse(body) is not { } report || report.ReplayId != routingKey || !Enum.IsDefined(report.Kind) || report.Queue is null)
            return null;
        return report with
        {
            Queue = Cut(report.Queue)!,
            Try = Math.Max(1, report.Try),
            Consumer = Cut(report.Consumer),
            Host = Cut(report.Host),
            Application = Cut(report.Application),
            Version = Cut(report.Version),
            ExceptionType = Cut(report.ExceptionType),
            Reason = Cut(report.Reason, LongestReason),
            Milliseconds = report.Milliseconds is >= 0 and <= LongestTry and var time ? time : null,
        };
    }

    /// <summary>Splits a replay's id, such as <c>0199c4f0….17</c>.</summary>
    /// <param name="id">The id.</param>
    /// <param name="operation">The operation's id.</param>
    /// <param name="number">The message's number in it, from 1.</param>
    /// <returns>False if the text is not the id of a replay.</returns>
    public static bool TryParseId(string id, out string operation, out long number)
    {
        (operation, number) = ("", 0);
        var dot = id.IndexOf('.', StringComparison.Ordinal);
        if (dot is < 1 or > LongestOperation || !long.TryParse(id.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out number) || number < 1 || id[dot + 1] == '0')
            return false;
        operation = id[..dot];
        return true;
    }

    /// <summary>
    /// Whether a report replaces another one of the same message. Tries are counted by each process, and clocks may jump: so a report is the later one if
    /// its try or its time is the later one. Within one try, the end replaces its beginning.
    /// </summary>
    /// <param name="report">The report that arrived now.</param>
    /// <param name="earlier">The report that arrived before.</param>
    public static bool Replaces(ReplayReport report, ReplayReport earlier) =>
        report.Try > earlier.Try || report.At > earlier.At
        || (report.At == earlier.At && report.Kind != ReportKind.Taken)
        || (report.Try == earlier.Try && earlier.Kind == ReportKind.Taken && report.Kind != ReportKind.Taken);

    private static string? Cut(string? text, int most = LongestName) => text is null || text.Length <= most ? text : text[..most] + "…";
}
