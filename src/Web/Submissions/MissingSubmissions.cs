using Microsoft.Extensions.Options;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// Publishes submissions again whose message is gone: RabbitMQ had confirmed it, and then a queue was purged, or deleted with what was in it.
/// Nothing is heard of such a submission although the input queue is empty. A message that exists all the same makes this a second copy, which
/// the consumers' ledger makes harmless.
/// </summary>
internal sealed partial class MissingSubmissions(
    SubmissionStore store, SubmissionPublisher publisher, RabbitMqProbe broker, IOptions<SubmissionOptions> options, TimeProvider time, ILogger<MissingSubmissions> log)
    : BackgroundService
{
    private const int AtOnce = 500;
    private static readonly TimeSpan _longestPause = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = TimeSpan.FromTicks(Math.Min(options.Value.MissingAfter.Ticks / 2, _longestPause.Ticks));
        using var timer = new PeriodicTimer(pause, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
#pragma warning disable CA1031 // whatever it is, the same submissions are found the next time
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                LogFailed(log, e.GetType().Name);
            }
        }
    }

    private async Task LookAsync(CancellationToken stopping)
    {
        var missing = store.Missing(options.Value.MissingAfter, AtOnce);
        if (missing.Count == 0)
            return;
        if (await broker.ReadyAsync(QueueTopology.InputQueue, stopping) is not { } waiting)
        {
            LogUnknown(log, missing.Count);
            return;
        }
        if (waiting > 0) // silence means nothing then
            return;
        foreach (var command in missing)
        {
            using var scope = log.BeginSubmissionScope(command.SubmissionId);
            await publisher.PublishAsync(command, stopping);
            await store.PublishedAgainAsync(command, stopping);
            LogPublishedAgain(log, command.SubmissionId);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{SubmissionId} was in RabbitMQ, nothing was heard of it since, and no message waits: it is published again. Was a queue purged or deleted?")]
    private static partial void LogPublishedAgain(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing was heard of {Count} submissions or more, and RabbitMQ does not say whether send-gif-email is empty. Check that the broker is up, that the topology is deployed, and that the user of Web has the right to write to send-gif-email")]
    private static partial void LogUnknown(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Missing submissions could not be looked for or published again: {Reason}. The next attempt follows within a minute")]
    private static partial void LogFailed(ILogger log, string reason);
}
