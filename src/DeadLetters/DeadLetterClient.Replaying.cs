using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <content>Replays, and what a replay would do.</content>
public sealed partial class DeadLetterClient
{
    private const int EntriesOfDoubt = 50;
    private static readonly TimeSpan _canaryWait = TimeSpan.FromMinutes(1);

    /// <summary>Judges what a replay would do. All are given back to their places.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<OperationResult> PlanAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request.Queue, "dry run", request.By, _lookPatience, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var audited = await _audit.ReadAsync(request.Queue, EntriesOfDoubt, cancellationToken);
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
        var audited = await _audit.ReadAsync(request.Queue, EntriesOfDoubt, cancellationToken);
        await GuardAccessAsync(
            session, EarlierDoubts.PassesNeeded(audited) + 1 + (request.Canary ? 1 : 0), cancellationToken,
            longestPass => request.Pace is { } pace ? (long)(total / (pace * longestPass.TotalSeconds)) : 0);
        await GuardAlarmAsync(cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = total, Meant = request.Expected ?? (request.Filter.IsEmpty ? total : 0) };
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
            // What was moved has its outcome all the same.
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

    // Why the others are left; null where they may go.
    private static async Task<string?> CanaryAsync(ReplayRequest request, Replay replay, Operation operation, CancellationToken cancellationToken)
    {
        await operation.RunAsync(window => replay.DecideAsync(window, operation.Unconfirmed, cancellationToken), null, 1, cancellationToken);
        if (operation.Attempted > 0 && operation.Replayed.Count == 0 && replay.Earlier.Settled == 0)
            return "The first one was not taken by the broker: the others were left where they are";
        await operation.Tracker!.SettleAsync(operation, request.Wait > TimeSpan.Zero ? request.Wait : _canaryWait, cancellationToken);
        return operation.Replayed is [{ Outcome: not Outcome.Handled and var outcome }]
            ? $"The first one: {OutcomeCounts.Word(outcome)}. The others were left where they are{(outcome == Outcome.LeftQueue ? ": look in the application what became of it, then replay them without a canary" : "")}"
            : null;
    }

    private static string InDoubt(string message, IReadOnlyList<Doubt> doubts) => doubts.Count == 0 ? message
        : $"{message}. Published and never confirmed, so where they were and perhaps in their queue too; the next replay settles them: {string.Join(", ", doubts.Take(20).Select(doubt => doubt.MessageId ?? doubt.Id))}{(doubts.Count > 20 ? string.Create(CultureInfo.InvariantCulture, $" and {doubts.Count - 20:N0} more, named in the audit") : "")}";

    // What the management API knows beforehand; an alarm that comes later is heard of by the connection itself.
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
