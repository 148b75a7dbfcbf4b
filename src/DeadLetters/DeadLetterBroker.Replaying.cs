namespace WorkinIt.DeadLetters;

/// <content>Replays, and what a replay would do.</content>
public sealed partial class DeadLetterBroker
{
    private static readonly TimeSpan _canaryWait = TimeSpan.FromMinutes(1);

    /// <summary>Judges what a replay would do. All are given back to their places.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<OperationResult> PlanAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request.Queue, "dry run", request.By, _lookPatience, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        await GuardLooksAsync(session, passes: 1, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = total };
        await using var replay = new Replay(this, session, request, NewId(), watches: false);
        var replayed = new List<Replayed>();
        var refused = new List<Refusal>();
        await operation.RunAsync(async window =>
        {
            foreach (var (letter, decision) in window.Zip(await replay.DecideAsync(window, unconfirmed: null, cancellationToken)))
            {
                if (decision is Decision.Move { Replayed: { } move })
                    replayed.Add(move);
                else if (decision is Decision.Refuse { Why: var why })
                    refused.Add(new Refusal(letter.Id, letter.MessageId, why));
            }
            return [.. window.Select(_ => Decision.Left)];
        }, pace: null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return new OperationResult(replay.Id, request.Queue, replayed.Count + refused.Count, replayed.Count, refused, replayed, null);
    }

    /// <summary>
    /// Replays: publishes to the exchange of the queue that the message failed in, confirmed, then acks. The body stays as it is, but
    /// for a count of redeliveries in it; headers of the first try are taken off, a stamp is put on, all others stay, but for those that would send copies to other queues, which get another name.
    /// </summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it between two messages.</param>
    /// <exception cref="DeadLetterException">It could not be begun, or the broker was lost in the middle; nothing is lost, and it can be run again.</exception>
    public async Task<OperationResult> ReplayAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.Pace < ReplayRequest.LeastPace)
            throw new DeadLetterException(DeadLetterProblem.Refused, "The pace must be at least one message in 5 minutes, that is 0.0034 a second");
        await using var session = await OpenAsync(request.Queue, "replay", request.By, TimeSpan.Zero, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var passes = 1 + (request.Canary ? 1 : 0) + (request.Pace is { } pace ? (long)(total / (pace * 300)) : 0);
        await GuardLooksAsync(session, passes, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = total };
        var entry = Begin(request, request.Edited is null ? "replay" : "edit");
        await using var replay = new Replay(this, session, request, entry.Id, watches: true);
        await _audit.WriteAsync(entry, cancellationToken);
        return await AuditedAsync(entry, operation, () => replay.Original is null ? entry : entry with { Original = replay.Original, Edited = request.Edited }, async () =>
        {
            string? stopped = null;
            if (request.Canary)
            {
                await operation.RunAsync(window => replay.DecideAsync(window, operation.Unconfirmed, cancellationToken), null, 1, cancellationToken);
                await ReplayOutcomesAsync(session, replay, operation, request.Wait > TimeSpan.Zero ? request.Wait : _canaryWait, cancellationToken);
                if (operation.Replayed is [{ Outcome: not (Outcome.Sent or Outcome.Gone) } canary])
                    stopped = $"The first one {Word(canary.Outcome)}: the others were left where they are";
                else if (operation.Attempted > 0 && operation.Replayed.Count == 0)
                    stopped = "The first one was not taken by the broker: the others were left where they are";
            }
            if (stopped is null && !cancellationToken.IsCancellationRequested)
            {
                await operation.RunAsync(window => replay.DecideAsync(window, operation.Unconfirmed, cancellationToken), request.Pace, long.MaxValue, cancellationToken);
                if (request.Wait > TimeSpan.Zero && !cancellationToken.IsCancellationRequested)
                {
                    await session.ReleaseAsync(cancellationToken);
                    await ReplayOutcomesAsync(session, replay, operation, request.Wait, cancellationToken);
                }
            }
            return stopped;
        }, cancellationToken);
    }

    private async Task ReplayOutcomesAsync(QueueSession session, Replay replay, Operation operation, TimeSpan wait, CancellationToken cancellationToken)
    {
        var outcomes = new Outcomes(_advisor, session, replay.Targets, IsQuietAsync);
        await outcomes.WaitAsync(operation, wait, cancellationToken);
    }

    private async Task<bool> IsQuietAsync(QueueSession session, string queue, CancellationToken cancellationToken) =>
        await session.ReadyAsync(queue, cancellationToken) == 0
        && await _management.QueueAsync(queue, cancellationToken) is { Ready: 0, Unacknowledged: 0 };
}
