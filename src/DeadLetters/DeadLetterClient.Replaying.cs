using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <content>Replays and dry runs.</content>
public sealed partial class DeadLetterClient
{
    private const int AuditEntriesRead = 50;
    private static readonly TimeSpan _canaryWait = TimeSpan.FromMinutes(1);

    /// <summary>Dry run: reports what a replay would do. Every message returns to its place.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<OperationResult> PlanAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request.Queue, "dry run", request.By, _lookPatience, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var audited = await _audit.ReadAsync(request.Queue, AuditEntriesRead, cancellationToken);
        await GuardAccessAsync(session, EarlierDoubts.PassesNeeded(audited) + 1, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = total };
        await using var replay = new Replay(this, session, request, NewId(), watches: false) { Earlier = await EarlierAsync(session, audited, total, cancellationToken) };
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
        return new OperationResult(replay.Id, request.Queue, replayed.Count + refused.Count, replayed.Count, refused, replayed, null)
        {
            Held = operation.Held,
            Settled = replay.Earlier.Settled,
        };
    }

    /// <summary>
    /// Replays dead letters: publishes each message to the exchange of the queue that it failed in, waits for the confirm, then acks it. The body
    /// stays the same, except for a redelivery count in it, which is removed. Headers that describe the failed try are removed, and the replay
    /// headers are added. All other headers stay, except <c>CC</c> and <c>BCC</c>, which would send copies to other queues and are renamed.
    /// </summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    /// <exception cref="DeadLetterException">
    /// The replay could not start, or the connection to the broker was lost. No message is lost, and the replay can be run again.
    /// </exception>
    public async Task<OperationResult> ReplayAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.Pace < ReplayRequest.LeastPace)
            throw new DeadLetterException(DeadLetterProblem.Refused, "The pace must be at least 0.0034 messages per second (one message in 5 minutes)");
        await using var session = await OpenAsync(request.Queue, "replay", request.By, TimeSpan.Zero, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var audited = await _audit.ReadAsync(request.Queue, AuditEntriesRead, cancellationToken);
        await GuardAccessAsync(
            session, EarlierDoubts.PassesNeeded(audited) + 1 + (request.Canary ? 1 : 0), cancellationToken,
            longestPass => request.Pace is { } pace ? (long)(total / (pace * longestPass.TotalSeconds)) : 0);
        await GuardAlarmAsync(cancellationToken);
        var operation = Begin(session, request, total, progress);
        var entry = Begin(request, request.Edited is null ? "replay" : "edit");
        await using var replay = new Replay(this, session, request, entry.Id, watches: true) { Earlier = await EarlierAsync(session, audited, total, cancellationToken) };
        await using var tracker = new OutcomeTracker(_advisor, session, () => replay.Targets, (queue, token) => StampedAsync(queue, entry.Id, token));
        operation.Tracker = tracker;
        await _audit.WriteAsync(entry, cancellationToken);
        tracker.Follow();
        var result = await AuditedAsync(
            entry, operation, () => replay.Original is null ? entry : entry with { Original = replay.Original, Edited = request.Edited },
            () => MoveAndSettleAsync(request, session, replay, operation, cancellationToken), cancellationToken);
        return result with { OutcomesAwaited = request.Wait > TimeSpan.Zero || request.Canary, Settled = replay.Earlier.Settled };
    }

    private static async Task<string?> MoveAndSettleAsync(ReplayRequest request, QueueSession session, Replay replay, Operation operation, CancellationToken cancellationToken)
    {
        string? stopped = null;
        try
        {
            if (request.Canary && await CanaryAsync(request, replay, operation, cancellationToken) is { } failed)
                return failed;
            cancellationToken.ThrowIfCancellationRequested();
            await operation.RunAsync(window => replay.DecideAsync(window, operation.Unconfirmed, cancellationToken), request.Pace, long.MaxValue, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The messages moved so far still get their outcomes.
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Blocked)
        {
            stopped = InDoubt(e.Message, operation.Doubts);
        }
        if (request.Wait > TimeSpan.Zero && operation.Replayed.Count > 0)
        {
            await session.ReleaseAsync(CancellationToken.None);
            var isCancelled = cancellationToken.IsCancellationRequested;
            await operation.Tracker!.SettleAsync(
                operation, isCancelled && request.WaitAfterCancel < request.Wait ? request.WaitAfterCancel : request.Wait, isCancelled ? CancellationToken.None : cancellationToken);
        }
        return stopped;
    }

    // Why the other messages are not replayed; null if they can be.
    private static async Task<string?> CanaryAsync(ReplayRequest request, Replay replay, Operation operation, CancellationToken cancellationToken)
    {
        await operation.RunAsync(window => replay.DecideAsync(window, operation.Unconfirmed, cancellationToken), null, 1, cancellationToken);
        if (operation.Attempted > 0 && operation.Replayed.Count == 0)
            return "The broker did not accept the canary, so the other messages were not moved";
        await operation.Tracker!.SettleAsync(operation, request.Wait > TimeSpan.Zero ? request.Wait : _canaryWait, cancellationToken);
        return operation.Replayed is [{ Outcome: not Outcome.Handled and var outcome }]
            ? $"Canary: {OutcomeCounts.Word(outcome)}. The other messages were not moved{(outcome == Outcome.LeftQueue ? ": check its outcome in the application, then replay them without a canary" : "")}"
            : null;
    }

    private static string InDoubt(string message, IReadOnlyList<Doubt> doubts) => doubts.Count == 0 ? message
        : $"{message}. Published, but never confirmed or never acknowledged here, so still in this queue and possibly in their target queue too (the next replay resolves them): {string.Join(", ", doubts.Take(20).Select(doubt => doubt.MessageId ?? doubt.Id))}{(doubts.Count > 20 ? string.Create(CultureInfo.InvariantCulture, $" and {doubts.Count - 20:N0} more, listed in the audit log") : "")}";

    // Checks for an alarm that is already active. If one starts later, the connection itself reports it.
    private async Task GuardAlarmAsync(CancellationToken cancellationToken)
    {
        if (await _management.AlarmAsync(cancellationToken) is { } alarm)
            throw BlockedState.InWords(alarm);
    }

    private Task<EarlierDoubts> EarlierAsync(QueueSession session, IReadOnlyList<AuditEntry> audited, long total, CancellationToken cancellationToken) =>
        EarlierDoubts.ReadAsync(audited, see => new Operation(session, _options, null) { Total = total }.RunAsync(
            window =>
            {
                foreach (var letter in window)
                    see(letter);
                return Task.FromResult<IReadOnlyList<Decision>>([.. window.Select(_ => Decision.Left)]);
            }, null, long.MaxValue, cancellationToken));

    // Finds this replay's messages that are dead letters again.
    private async Task<IReadOnlyList<DeadLetter>> StampedAsync(string queue, string replay, CancellationToken cancellationToken)
    {
        var stamped = new List<DeadLetter>();
        await LookAsync(queue, "outcomes", "", long.MaxValue, letter =>
        {
            if (letter.LastReplay?.Id.StartsWith(replay + ".", StringComparison.Ordinal) == true)
                stamped.Add(letter);
            return true;
        }, null, cancellationToken);
        return stamped;
    }
}
