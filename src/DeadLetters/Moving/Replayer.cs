using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>Replays dead letters: reads, plans, moves, and follows the outcomes.</summary>
internal sealed class Replayer(DeadLetterServices services, QueueAccess access, QueueReader reader, AuditedOperations operations)
{
    private const int AuditEntriesRead = 50;
    private static readonly TimeSpan _canaryWait = TimeSpan.FromMinutes(1);

    /// <summary>Dry run: reports what a replay would do. Every message returns to its place.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<OperationResult> PlanAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        GuardChange(request);
        OrderPlan.Guard(request);
        await using var session = await access.OpenAsync(request.Queue, "dry run", request.By, QueueAccess.ReadTimeout, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var audited = await AuditedAsync(request.Queue, cancellationToken);
        await access.GuardAsync(session, EarlierDoubts.PassesNeeded(audited) + 1, cancellationToken);
        var mover = new Mover(session, services.Options, progress) { Total = total, Ids = SelectedIds.Of(request.Filter) };
        await using var planner = new ReplayPlanner(services, session, request, AuditedOperations.NewId(), watches: false) { Earlier = await EarlierAsync(session, audited, total, cancellationToken) };
        var replayed = new List<Replayed>();
        var refused = new List<Refusal>();
        var causes = new HashSet<string>();
        var order = OrderPlan.Of(request);
        await mover.RunAsync(async window =>
        {
            order?.Read(window);
            foreach (var (letter, decision) in window.Zip(await planner.DecideAsync(window, unconfirmed: null, cancellationToken)))
            {
                if (decision is Decision.Move { Replayed: { } move })
                {
                    replayed.Add(move);
                    causes.Add(letter.Cause.Id);
                }
                else if (decision is Decision.Refuse { Why: var why })
                    refused.Add(new Refusal(letter.Id, letter.MessageId, why));
            }
            return [.. window.Select(_ => Decision.Left)];
        }, pace: null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        order?.HoldBack(replayed, refused);
        return new OperationResult(planner.Id, request.Queue, replayed.Count + refused.Count, replayed.Count, refused, replayed, null)
        {
            Held = mover.Held,
            Settled = planner.Earlier.Settled,
            Repairs = planner.Repairs,
            Causes = causes,
            Order = order?.Keys.Result,
            Steps = ReplaySteps.Of(replayed.Count, request.AllAtOnce || request.Wait == TimeSpan.Zero, request.Canary),
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
    /// The replay could not start, or the connection to the broker was lost. Each message is where it was or in its target queue; those that may be in
    /// both are in <see cref="AuditEntry.Doubts"/>.
    /// </exception>
    public async Task<OperationResult> ReplayAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.Pace < ReplayRequest.LeastPace)
            throw new DeadLetterException(DeadLetterProblem.Refused, "The pace must be at least 0.0034 messages per second (one message in 5 minutes)");
        if (request.FailureLimit is not (> 0 and <= 1))
            throw new DeadLetterException(DeadLetterProblem.Refused, "The limit of failures must be a share between 0 and 1, such as 0.2 for 20 %");
        GuardChange(request);
        OrderPlan.Guard(request);
        await using var session = await access.OpenAsync(request.Queue, "replay", request.By, TimeSpan.Zero, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var audited = await AuditedAsync(request.Queue, cancellationToken);
        await access.GuardAsync(
            session, EarlierDoubts.PassesNeeded(audited) + 1 + (request.Canary ? 1 : 0), cancellationToken,
            longestPass => request.Pace is { } pace ? (long)(total / (pace * longestPass.TotalSeconds)) : 0);
        await access.GuardAlarmAsync(cancellationToken);
        var mover = Mover.For(session, services.Options, request, total, progress);
        if (mover.Held == 0)
            return AuditedOperations.OfEmpty(request.Queue);
        var entry = operations.Begin(request, request.Patch is not null ? "repair" : request.Edited is null ? "replay" : "edit") with { Patch = request.Patch?.ToString() };
        await using var planner = new ReplayPlanner(services, session, request, entry.Id, watches: true) { Earlier = await EarlierAsync(session, audited, total, cancellationToken) };
        await using var reports = await services.Reports.JoinAsync(entry.Id, () => planner.Issued, cancellationToken);
        await using var tracker = new OutcomeTracker(services.Advisor, session, reports, () => planner.Targets, (queue, token) => StampedAsync(queue, entry.Id, token));
        (mover.Tracker, mover.Order) = (tracker, await OrderAsync(request, session, total, tracker, cancellationToken));
        await services.Audit.WriteAsync(entry, cancellationToken);
        tracker.Follow();
        var pauses = new ReplayPauses(request, session.Lost, services.Management.AlarmAsync);
        var hasSteps = ReplaySteps.Has(request, total);
        var steps = hasSteps || request.PauseRequest is not null ? new StepGate(request, session, tracker, mover, pauses, mayReport: services.Advisor is not null) { HasSteps = hasSteps } : null;
        var result = await operations.RunAsync(
            entry, mover, () => planner.Original is null ? entry : entry with { Original = planner.Original, Edited = request.Edited },
            () => MoveAndSettleAsync(request, session, planner, mover, steps, pauses, cancellationToken), cancellationToken);
        return result with
        {
            OutcomesAwaited = request.Wait > TimeSpan.Zero || request.Canary,
            Settled = planner.Earlier.Settled,
            DelayReason = await DelayReasonAsync(result),
            ReportsProblem = reports.Problem,
            Later = request.FollowsLater && reports.Problem is null ? new LaterOutcomes(tracker.Messages, reports) : null,
            Pause = pauses.EndedAt,
            Order = mover.Order?.Keys.Result,
        };
    }

    // A queue of another source may have the same name. An entry without a source was written by a process with one, such as the command.
    private async Task<IReadOnlyList<AuditEntry>> AuditedAsync(string queue, CancellationToken cancellationToken) =>
        [.. (await services.Audit.ReadAsync(queue, AuditEntriesRead, cancellationToken)).Where(entry => services.Options.Source is not { } source || entry.Source is null || entry.Source == source)];

    // The replay has ended and is audited: an application that does not answer now must not make it look failed.
    private async Task<string?> DelayReasonAsync(OperationResult result)
    {
        if (services.Advisor is not { } advisor || result.Replayed.FirstOrDefault(message => message is { Outcome: Outcome.Delayed, MessageId: not null }) is not { MessageId: { } messageId })
            return null;
        try
        {
            return await advisor.DescribeAsync(messageId, CancellationToken.None);
        }
        catch (DeadLetterException)
        {
            return null;
        }
    }

    private static async Task<string?> MoveAndSettleAsync(
        ReplayRequest request, QueueSession session, ReplayPlanner planner, Mover mover, StepGate? steps, ReplayPauses pauses, CancellationToken cancellationToken)
    {
        string? stopped = null;
        try
        {
            if (request.Canary && await CanaryAsync(request, planner, mover, cancellationToken) is { } failed)
                return failed;
            cancellationToken.ThrowIfCancellationRequested();
            await StepRun.MoveAsync(request, session, planner, mover, steps, cancellationToken);
            if ((pauses.Stopped ?? mover.Order?.Stopped) is { } ended)
                stopped = AuditedOperations.InDoubt(ended, mover.Tally.Doubts);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The messages moved so far still get their outcomes.
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Blocked && mover.Attempted > 0)
        {
            stopped = AuditedOperations.InDoubt(e.Message, mover.Tally.Doubts);
        }
        mover.Order?.End(mover.Tally);
        if (request.Wait > TimeSpan.Zero && mover.Replayed.Count > 0)
        {
            var lost = await SettleAsync(request, session, mover, pauses, cancellationToken);
            stopped ??= lost;
        }
        return stopped;
    }

    // Why the wait for outcomes ended early; null if it did not.
    private static async Task<string?> SettleAsync(ReplayRequest request, QueueSession session, Mover mover, ReplayPauses pauses, CancellationToken cancellationToken)
    {
        try
        {
            await session.ReleaseAsync(CancellationToken.None);
            var isCancelled = cancellationToken.IsCancellationRequested;
            var wait = (isCancelled || pauses.EndedAt is not null) && request.WaitAfterCancel < request.Wait ? request.WaitAfterCancel : request.Wait;
            await mover.Tracker!.SettleAsync(
                mover, pauses.EndedAt is { Reason: PauseReason.NoConsumer } || mover.Order is { HasGivenUp: true } ? TimeSpan.Zero : wait, isCancelled ? CancellationToken.None : cancellationToken);
            return null;
        }
        catch (Exception e) when (e is DeadLetterException { Problem: DeadLetterProblem.Unreachable } or RabbitMQClientException or IOException or TimeoutException)
        {
            return $"Some outcomes are not known: {(e is DeadLetterException ? e.Message : "the connection to the broker was lost")}";
        }
    }

    // Why the other messages are not replayed; null if they can be.
    private static async Task<string?> CanaryAsync(ReplayRequest request, ReplayPlanner planner, Mover mover, CancellationToken cancellationToken)
    {
        await mover.RunAsync(window => planner.DecideAsync(window, mover.Unconfirmed, cancellationToken, most: 1), null, 1, cancellationToken);
        if (mover.Attempted > 0 && mover.Replayed.Count == 0)
            return "The broker did not accept the canary, so the other messages were not moved";
        await mover.Tracker!.SettleAsync(mover, request.Wait > TimeSpan.Zero ? request.Wait : _canaryWait, cancellationToken);
        return mover.Replayed is [{ Outcome: not Outcome.Handled and var outcome }]
            ? $"Canary: {OutcomeCounts.Word(outcome)}. The other messages were not moved{(outcome is Outcome.LeftQueue or Outcome.Taken ? ": check its outcome in the application before you replay them" : "")}"
            : null;
    }

    // Null: no order.
    private async Task<OrderedMoves?> OrderAsync(ReplayRequest request, QueueSession session, long total, OutcomeTracker tracker, CancellationToken cancellationToken)
    {
        if (OrderPlan.Of(request) is not { } plan)
            return null;
        plan.GuardReports(tracker.ReportsProblem, isAdvised: services.Advisor is not null);
        await plan.ReadAsync(session, services.Options, total, cancellationToken);
        if (session.DeliveryLimit is not null)
            await access.GuardAsync(session, plan.Keys.Longest + 1, cancellationToken); // about one read for each message of a key
        return new OrderedMoves(plan.Keys, request, session, tracker, isAdvised: services.Advisor is not null);
    }

    private static void GuardChange(ReplayRequest request)
    {
        if (request.Patch is not null && request.Edited is not null)
            throw new DeadLetterException(DeadLetterProblem.Refused, "An edit and a patch can't be combined: use one of them");
    }

    private Task<EarlierDoubts> EarlierAsync(QueueSession session, IReadOnlyList<AuditEntry> audited, long total, CancellationToken cancellationToken) =>
        EarlierDoubts.ReadAsync(audited, see => new Mover(session, services.Options, null) { Total = total }.RunAsync(
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
        await reader.ReadAsync(queue, "outcomes", "", long.MaxValue, letter =>
        {
            if (letter.LastReplay?.Id.StartsWith(replay + ".", StringComparison.Ordinal) == true)
                stamped.Add(letter);
            return true;
        }, null, cancellationToken);
        return stamped;
    }
}
