using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Threading.Channels;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// The outbox's publisher. It brings submissions from the store to the broker: immediately, many in flight, and again if one was not
/// confirmed. Several instances may publish the same submission; the consumers' ledger makes that harmless.
/// </summary>
internal sealed partial class SubmissionRelay(SubmissionStore store, SubmissionPublisher publisher, RabbitMqProbe broker, ILogger<SubmissionRelay> log) : BackgroundService
{
    private const int InFlight = 256;
    private const int SweepLimit = 2_000;

    private static readonly TimeSpan _sweepPause = TimeSpan.FromSeconds(1);

    // Younger submissions are still being published, here or in the instance that accepted them.
    private static readonly TimeSpan _overdue = TimeSpan.FromSeconds(3);

    private readonly Channel<Handed> _handed = Channel.CreateBounded<Handed>(10_000);
    private readonly ConcurrentDictionary<Guid, byte> _underWay = new();
    private readonly SubmissionTelemetry.UnconfirmedAge _age = new();

    /// <summary>Queues a submission for immediate publishing. If the channel is full or the broker is down, the sweep publishes it later.</summary>
    public void Hand(SendGifEmail command)
    {
        if (broker.IsOpen)
            _handed.Writer.TryWrite(new Handed(command, Activity.Current?.Context ?? default));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        Parallel.ForEachAsync(
            _handed.Reader.ReadAllAsync(stoppingToken),
            new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = stoppingToken },
            async (handed, token) => await PublishAsync(handed, token)),
        SweepAsync(stoppingToken));

    private async Task SweepAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(_sweepPause);
        do
        {
            try
            {
                while (await SweepOnceAsync(stopping))
                    continue;
            }
            catch (DbException e)
            {
                LogSweepFailed(log, e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stopping));
    }

    // Runs while the broker is down too, because the metric shows how long the oldest submission waits in any case.
    /// <returns>Whether there are more submissions to publish, so that the next sweep should follow immediately.</returns>
    private async Task<bool> SweepOnceAsync(CancellationToken stopping)
    {
        var isUp = await broker.IsUpAsync(stopping);
        var overdue = store.Unconfirmed(_overdue, isUp ? SweepLimit : 1);
        _age.Oldest = overdue.Count > 0 ? overdue[0].SubmittedAt : null;
        return isUp && await PublishAllAsync(overdue, stopping);
    }

    // Not through the channel: a backlog from the sweep must not delay submissions that a user is waiting for now.
    private async Task<bool> PublishAllAsync(IReadOnlyList<SendGifEmail> overdue, CancellationToken stopping)
    {
        var failed = 0;
        await Parallel.ForEachAsync(overdue, new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = stopping }, async (command, token) =>
        {
            if (!await PublishAsync(new Handed(command, default), token))
                Interlocked.Increment(ref failed);
        });
        return overdue.Count == SweepLimit && failed == 0;
    }

    /// <returns>Whether the broker confirmed it and the store recorded the confirm.</returns>
    private async Task<bool> PublishAsync(Handed handed, CancellationToken stopping)
    {
        var command = handed.Command;
        if (!_underWay.TryAdd(command.SubmissionId, 0))
            return false;
        using var scope = log.BeginSubmissionScope(command.SubmissionId);
        using var activity = SubmissionTelemetry.StartRelay(command.SubmissionId, handed.Accepted);
        try
        {
            await publisher.PublishAsync(command, stopping);
            await store.ConfirmedAsync(command.SubmissionId);
            return true;
        }
#pragma warning disable CA1031 // any error: the sweep publishes the submission again, and nothing else is affected
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!stopping.IsCancellationRequested)
                LogNotConfirmed(log, command.SubmissionId, e.GetType().Name);
            activity?.SetStatus(ActivityStatusCode.Error, e.GetType().Name);
            return false;
        }
        finally
        {
            _underWay.TryRemove(command.SubmissionId, out _);
        }
    }

    /// <summary>A message to publish, and the span of the request that accepted it; default if the sweep found it.</summary>
    private readonly record struct Handed(SendGifEmail Command, ActivityContext Accepted);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{SubmissionId} is not confirmed by the broker ({Reason}), and will be published again. If this continues, check RabbitMQ, and that the topology was deployed")]
    private static partial void LogNotConfirmed(ILogger log, Guid submissionId, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The store can't be searched for unconfirmed submissions: {Reason}")]
    private static partial void LogSweepFailed(ILogger log, string reason);
}
