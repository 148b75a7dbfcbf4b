using Microsoft.Extensions.Options;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// Publishes a submission again if its message is gone: RabbitMQ confirmed it, and then a queue was purged, or deleted with its messages.
/// It finds these by their missing events while the input queue is empty. If the message still exists, this publishes a second copy. The
/// consumers' ledger makes that harmless.
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
                await PublishMissingAsync(stoppingToken);
            }
#pragma warning disable CA1031 // any error: the next run finds the same submissions
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                LogFailed(log, e.GetType().Name);
            }
        }
    }

    private async Task PublishMissingAsync(CancellationToken stopping)
    {
        var missing = store.Missing(options.Value.MissingAfter, AtOnce);
        if (missing.Count == 0)
            return;
        if (await broker.ReadyAsync(QueueTopology.InputQueue, stopping) is not { } waiting)
        {
            LogUnknown(log, missing.Count);
            return;
        }
        if (waiting > 0) // these may still be in the queue
            return;
        foreach (var command in missing)
        {
            using var scope = log.BeginSubmissionScope(command.SubmissionId);
            await publisher.PublishAsync(command, stopping);
            await store.PublishedAgainAsync(command, stopping);
            LogPublishedAgain(log, command.SubmissionId);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Published {SubmissionId} again: RabbitMQ had confirmed it, but no event followed and no message waits. Was a queue purged or deleted?")]
    private static partial void LogPublishedAgain(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No event arrived for {Count} submissions or more, and RabbitMQ does not report whether send-gif-email is empty. Check that the broker is up, that the topology is deployed, and that the user of Web has the right to write to send-gif-email")]
    private static partial void LogUnknown(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Missing submissions could not be found or published again: {Reason}. The next attempt follows within a minute")]
    private static partial void LogFailed(ILogger log, string reason);
}
