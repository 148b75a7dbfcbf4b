using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Replays;

/// <summary>
/// The durable queue of all reports, so that outcomes are kept after an operation's end, and while no host runs. It can't grow: it drops its oldest
/// reports, and expires after a week without a host. What is lost is an unknown outcome.
/// </summary>
internal static class ReportQueue
{
    private static readonly Dictionary<string, object?> _arguments = new()
    {
        ["x-queue-type"] = "classic",
        ["x-single-active-consumer"] = true, // the order of reports
        ["x-max-length"] = 200_000L,
        ["x-max-length-bytes"] = 128L * 1024 * 1024,
        ["x-overflow"] = "drop-head", // the application's publishes must not be rejected
        ["x-expires"] = (long)TimeSpan.FromDays(7).TotalMilliseconds,
    };

    /// <summary>Declares the exchange and the queue, unless they exist, and binds the queue.</summary>
    /// <param name="connection">The feed's connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The user lacks a right.</exception>
    public static async Task DeclareAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await ReportExchange.DeclareAsync(connection, cancellationToken);
        var broker = new QueueDeclarations(connection);
        if (await broker.CountsAsync(ReplayNotice.Queue, cancellationToken) is null)
            await broker.CreateAsync(ReplayNotice.Queue, _arguments, cancellationToken);
        await connection.OnOwnChannelAsync(ReplayNotice.Queue, async channel =>
        {
            await channel.QueueBindAsync(ReplayNotice.Queue, ReplayReport.Exchange, "#", cancellationToken: cancellationToken);
            return true;
        }, cancellationToken);
    }
}
