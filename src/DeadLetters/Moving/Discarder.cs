using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>Discards, restores and removes dead letters.</summary>
internal sealed class Discarder(DeadLetterServices services, QueueAccess access, AuditedOperations operations)
{
    /// <summary>Dry run: reports what a discard would do. Every message returns to its place.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<OperationResult> PlanAsync(DiscardRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        RefuseIfImpossible(request);
        await using var session = await access.OpenAsync(request.Queue, "dry run", request.By, QueueAccess.ReadTimeout, cancellationToken);
        var mover = new Mover(session, services.Options, progress) { Total = await session.ReadyAsync(cancellationToken) };
        await access.GuardAsync(session, passes: 2, cancellationToken); // this one, and the discard
        var (planned, refused) = (new List<Replayed>(), new List<Refusal>());
        await mover.RunAsync(async window =>
        {
            List<DeadLetter> meant = [.. window.Where(request.Filter.Matches)];
            var advice = services.Advisor is { } advisor && meant.Count > 0 ? await advisor.JudgeDiscardAsync(meant, request.WasSent, cancellationToken) : new Verdict?[meant.Count];
            foreach (var (letter, verdict) in meant.Zip(advice))
            {
                if (LossOf(letter, request, session) is { } loss)
                    refused.Add(new Refusal(letter.Id, letter.MessageId, loss));
                else if (verdict is { Kind: VerdictKind.Refused, Text: var why })
                    refused.Add(new Refusal(letter.Id, letter.MessageId, why));
                else
                    planned.Add(new Replayed(letter.Id, letter.MessageId, "", verdict ?? Verdict.Good) { Target = DiscardedQueue(request.Queue) });
            }
            return [.. window.Select(_ => Decision.Left)];
        }, pace: null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return new OperationResult("", request.Queue, planned.Count + refused.Count, planned.Count, refused, planned, null) { Held = mover.Held };
    }

    /// <summary>Moves dead letters to the <c>_discarded</c> queue, where they are kept for <see cref="DeadLetterOptions.DiscardedLife"/>.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public async Task<OperationResult> DiscardAsync(DiscardRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        RefuseIfImpossible(request);
        await using var session = await access.OpenAsync(request.Queue, "discard", request.By, TimeSpan.Zero, cancellationToken);
        var mover = Mover.For(session, services.Options, request, await session.ReadyAsync(cancellationToken), progress);
        await access.GuardAsync(session, passes: 1, cancellationToken);
        await access.GuardAlarmAsync(cancellationToken);
        if (mover.Held == 0)
            return AuditedOperations.OfEmpty(request.Queue);
        var discarded = DiscardedQueue(request.Queue);
        await DeclareDiscardedAsync(session, discarded, cancellationToken);
        await using var check = new MoveCheck(services.Management, session, services.Options);
        var entry = operations.Begin(request, request.WasSent ? "discard as sent" : "discard");
        await services.Audit.WriteAsync(entry, cancellationToken);
        var notices = new MoveNotices(request.WasSent ? null : services.Advisor is { } application ? application.DiscardedAsync : null);
        return await operations.RunAsync(entry, mover, () => entry, () => NotifiedAsync(mover, notices, () => mover.RunAsync(async window =>
            {
                await notices.SendAsync();
                await check.RecountAsync(mover.Unconfirmed, cancellationToken);
                var decisions = new List<Decision>(window.Count);
                foreach (var letter in window)
                {
                    var move = !request.Filter.Matches(letter) ? Decision.Left
                        : LossOf(letter, request, session) is { } loss ? new Decision.Refuse(loss)
                        : await MoveAsync(check, discarded, MovedProperties.Discarded(letter, entry, services.Options.DiscardedLife), letter.Body, cancellationToken);
                    decisions.Add(move is Decision.Move && request.WasSent && await services.Advisor!.WasDoneAsync(letter, request.By, cancellationToken) is { } why ? new Decision.Refuse(why) : move);
                }
                return decisions;
            }, null, long.MaxValue, cancellationToken)), cancellationToken);
    }

    /// <summary>Moves discarded messages back to the end of the queue that they came from, as they were.</summary>
    /// <param name="request">Which messages. The queue may be the <c>_discarded</c> queue, or the queue that they came from.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public async Task<OperationResult> RestoreAsync(OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        var from = DiscardedQueue(request.Queue);
        await using var session = await access.OpenAsync(from, "restore", request.By, TimeSpan.Zero, cancellationToken);
        var mover = Mover.For(session, services.Options, request, await session.ReadyAsync(cancellationToken), progress);
        await access.GuardAsync(session, passes: 1, cancellationToken);
        await access.GuardAlarmAsync(cancellationToken);
        if (mover.Held == 0)
            return AuditedOperations.OfEmpty(from);
        await using var check = new MoveCheck(services.Management, session, services.Options);
        var entry = operations.Begin(request with { Queue = from }, "restore");
        await services.Audit.WriteAsync(entry, cancellationToken);
        var notices = new MoveNotices(services.Advisor is { } application ? application.RestoredAsync : null);
        return await operations.RunAsync(entry, mover, () => entry, () => NotifiedAsync(mover, notices, () => mover.RunAsync(async window =>
            {
                await notices.SendAsync();
                await check.RecountAsync(mover.Unconfirmed, cancellationToken);
                var decisions = new List<Decision>(window.Count);
                foreach (var letter in window)
                {
                    decisions.Add(!request.Filter.Matches(letter) || (request.Queue != from && letter.DiscardedFrom != request.Queue) ? Decision.Left
                        : letter.DiscardedFrom is { } origin ? await MoveAsync(check, origin, MovedProperties.Restored(letter), letter.Body, cancellationToken)
                        : new Decision.Refuse("no header names the queue it was discarded from"));
                }
                return decisions;
            }, null, long.MaxValue, cancellationToken)), cancellationToken);
    }

    /// <summary>Deletes messages permanently from any dead-letter queue, including <c>_discarded</c> queues. They can't be restored.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public async Task<OperationResult> RemoveAsync(OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await access.OpenAsync(request.Queue, "remove", request.By, QueueAccess.ReadTimeout, cancellationToken);
        var mover = Mover.For(session, services.Options, request, await session.ReadyAsync(cancellationToken), progress);
        await access.GuardAsync(session, passes: 1, cancellationToken);
        if (mover.Held == 0)
            return AuditedOperations.OfEmpty(request.Queue);
        var entry = operations.Begin(request, "remove");
        await services.Audit.WriteAsync(entry, cancellationToken);
        return await operations.RunAsync(entry, mover, () => entry, async () =>
        {
            await mover.RunAsync(
                window => Task.FromResult<IReadOnlyList<Decision>>([.. window.Select(letter => request.Filter.Matches(letter) ? new Decision.Remove() : Decision.Left)]),
                null, long.MaxValue, cancellationToken);
            return null;
        }, cancellationToken);
    }

    /// <summary>The <c>_discarded</c> queue for a queue.</summary>
    /// <param name="queue">A dead-letter queue.</param>
    public string DiscardedQueue(string queue) => BrokerNames.Of("", services.InputQueueOf(queue), "_discarded");

    // Of what a discard would lose, a restore has nothing to bring back.
    private static string? LossOf(DeadLetter letter, DiscardRequest request, QueueSession session) => request.AcceptLoss ? null : Amqp10Loss.Refusal(letter, session.BrokerVersion);

    private void RefuseIfImpossible(DiscardRequest request)
    {
        if (DeadLetterQueueNames.IsDiscarded(request.Queue))
            throw new DeadLetterException(DeadLetterProblem.Refused, $"The messages in {request.Queue} are already discarded; each one is deleted automatically when it expires");
        if (request.WasSent && services.Advisor is null)
            throw new DeadLetterException(DeadLetterProblem.Refused, "The messages can't be recorded as sent, because there is no ledger to record it in. Discard them without marking them as sent");
    }

    private static async Task<string?> NotifiedAsync(Mover mover, MoveNotices notices, Func<Task> move)
    {
        mover.OnMoved = notices.Add;
        try
        {
            await move();
        }
        finally
        {
            await notices.SendAsync();
        }
        return notices.Problem;
    }

    private static async Task<Decision> MoveAsync(MoveCheck check, string queue, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        await check.TargetAsync(queue, byExchange: false, cancellationToken) is not { } target ? new Decision.Refuse($"queue \"{queue}\" not found")
        : await check.ProblemAsync(target, properties, body, [], cancellationToken) is { } problem ? new Decision.Refuse(problem)
        : new Decision.Move(target.Exchange, target.RoutingKey, properties, body, null);

    // The _discarded queue is replicated if the dead-letter queue is, so that its messages are as safe.
    private static async Task DeclareDiscardedAsync(QueueSession session, string discarded, CancellationToken cancellationToken)
    {
        if (!BrokerNames.MayOverflowReply(discarded) && await session.Broker.CountsAsync(discarded, cancellationToken) is not null)
            return;
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = session.IsQuorum ? "quorum" : "classic" };
        if (session.IsQuorum && session.BrokerVersion.Major >= 4)
            arguments["x-delivery-limit"] = -1;
        await session.Broker.CreateAsync(discarded, arguments, cancellationToken);
    }
}
