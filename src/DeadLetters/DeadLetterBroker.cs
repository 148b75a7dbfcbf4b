using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The operator's verbs over the dead-letter queues of one virtual host, whatever MassTransit application they belong to. All of
/// its operations are safe to interrupt and to run again: nothing is taken off a queue before its copy is confirmed.
/// </summary>
public sealed partial class DeadLetterBroker : IDisposable
{
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _canaryWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _ask = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(3); // a failure is written down before its dead letter stands
    private static readonly TimeSpan _quiet = TimeSpan.FromSeconds(7); // the management API's counts are up to 5 s old

    private readonly DeadLetterOptions _options;
    private readonly IAuditLog _audit;
    private readonly IReplayAdvisor? _advisor;
    private readonly TimeProvider _time;
    private readonly ManagementClient _management;

    /// <summary>Speaks to one virtual host.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="audit">Where operations are written down.</param>
    /// <param name="advisor">What only the application knows.</param>
    /// <param name="time">The clock.</param>
    public DeadLetterBroker(DeadLetterOptions options, IAuditLog audit, IReplayAdvisor? advisor = null, TimeProvider? time = null)
    {
        (_options, _audit, _advisor, _time) = (options, audit, advisor, time ?? TimeProvider.System);
        _management = new ManagementClient(options);
    }

    /// <summary>The audit log.</summary>
    public IAuditLog Audit => _audit;

    /// <summary>Finds the dead-letter queues, those that hold something first.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DeadLetterException">The management API does not answer.</exception>
    public async Task<IReadOnlyList<DeadLetterQueue>> FindQueuesAsync(CancellationToken cancellationToken)
    {
        var queues = (await _management.QueuesAsync(cancellationToken))
            .Where(queue => !queue.Exclusive && _options.Suffixes.Any(suffix => queue.Name.EndsWith(suffix, StringComparison.Ordinal)))
            .ToList();
        var ready = await QueueCounts.ReadyAsync(_options, [.. queues.Select(queue => queue.Name)], cancellationToken);
        return [.. queues
            .Select(queue => Tell(queue, ready))
            .OrderBy(queue => queue.Messages == 0).ThenBy(queue => queue.IsDiscarded).ThenBy(queue => queue.Name, StringComparer.Ordinal)];
    }

    /// <summary>Tells of one queue; null where there is none.</summary>
    /// <param name="queue">Its name.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken) =>
        await _management.QueueAsync(queue, cancellationToken) is { } found
            ? Tell(found, await QueueCounts.ReadyAsync(_options, [queue], cancellationToken))
            : null;

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
        var replay = new Replay(this, session, request, NewId(), watches: false);
        var replayed = new List<Replayed>();
        var refused = new List<Refusal>();
        await operation.RunAsync(async window =>
        {
            foreach (var (letter, decision) in window.Zip(await replay.DecideAsync(window, cancellationToken)))
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
        var replay = new Replay(this, session, request, entry.Id, watches: true);
        await _audit.WriteAsync(entry, cancellationToken);
        return await AuditedAsync(entry, operation, () => replay.Original is null ? entry : entry with { Original = replay.Original, Edited = request.Edited }, async () =>
        {
            string? stopped = null;
            if (request.Canary)
            {
                await operation.RunAsync(window => replay.DecideAsync(window, cancellationToken), null, 1, cancellationToken);
                await ReplayOutcomesAsync(session, replay, operation, request.Wait > TimeSpan.Zero ? request.Wait : _canaryWait, cancellationToken);
                if (operation.Replayed is [{ Outcome: not (Outcome.Sent or Outcome.Gone) } canary])
                    stopped = $"The first one {Word(canary.Outcome)}: the others were left where they are";
                else if (operation.Attempted > 0 && operation.Replayed.Count == 0)
                    stopped = "The first one was not taken by the broker: the others were left where they are";
            }
            if (stopped is null && !cancellationToken.IsCancellationRequested)
            {
                await operation.RunAsync(window => replay.DecideAsync(window, cancellationToken), request.Pace, long.MaxValue, cancellationToken);
                if (request.Wait > TimeSpan.Zero && !cancellationToken.IsCancellationRequested)
                {
                    await session.ReleaseAsync(cancellationToken);
                    await ReplayOutcomesAsync(session, replay, operation, request.Wait, cancellationToken);
                }
            }
            return stopped;
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _management.Dispose();

    private async Task<OperationResult> AuditedAsync(
        AuditEntry entry, Operation operation, Func<AuditEntry> now, Func<Task<string?>> work, CancellationToken cancellationToken)
    {
        string? stopped = null;
        try
        {
            stopped = await work();
            if (cancellationToken.IsCancellationRequested)
                stopped = "It was cancelled: what was not moved stands where it was";
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = "It was cancelled: what was not moved stands where it was";
        }
        catch (DeadLetterException e)
        {
            stopped = e.Message;
            throw;
        }
        finally
        {
            await _audit.WriteAsync(now() with
            {
                EndedAt = _time.GetUtcNow(),
                Selected = operation.Selected,
                Done = operation.Done,
                Refused = operation.Refused.Count,
                Problem = stopped ?? "",
                Messages = operation.Messages,
            }, CancellationToken.None);
        }
        return new OperationResult(entry.Id, entry.Queue, operation.Selected, operation.Done, [.. operation.Refused], operation.Replayed, stopped);
    }

    private Task<QueueSession> OpenAsync(string queue, string verb, string by, TimeSpan patience, CancellationToken cancellationToken) =>
        QueueSession.OpenAsync(_options, queue, verb, by, patience, HolderAsync, cancellationToken);

    private async Task<string> HolderAsync(string lockQueue, CancellationToken cancellationToken)
    {
        try
        {
            return await _management.QueueAsync(lockQueue, cancellationToken) is { } queue && queue.Text("who") is { } who
                ? $"{who} is at work on this queue ({queue.Text("what")}, since {queue.Text("since")})"
                : "Somebody is at work on this queue";
        }
        catch (DeadLetterException)
        {
            return "Somebody is at work on this queue (who, the management API could not tell)";
        }
    }

    // In hand counts too: somebody replays, perhaps, and may give it back.
    private DeadLetterQueue Tell(BrokerQueue queue, IReadOnlyDictionary<string, long> ready) => new(
        queue.Name, ready.GetValueOrDefault(queue.Name, queue.Ready) is > 0 and var now ? now : queue.Unacknowledged, InputQueueOf(queue.Name), queue.Name.EndsWith("_discarded", StringComparison.Ordinal),
        queue.Type == "quorum" && queue.DeliveryLimit is >= 0 and var limit
            ? string.Create(CultureInfo.InvariantCulture, $"The queue has a delivery limit of {limit}: up to RabbitMQ 4.2 each look counts, and after {limit} the broker drops the message")
            : null);

    private string InputQueueOf(string queue)
    {
        var suffix = _options.Suffixes.Append("_discarded").FirstOrDefault(suffix => queue.EndsWith(suffix, StringComparison.Ordinal) && queue.Length > suffix.Length);
        return suffix is null ? queue : queue[..^suffix.Length];
    }

    private AuditEntry Begin(OperationRequest request, string verb) => new()
    {
        Id = NewId(),
        At = _time.GetUtcNow(),
        By = request.By,
        Verb = verb,
        Queue = request.Queue,
        Filter = request.Filter.ToString(),
    };

    private static string NewId() => Guid.CreateVersion7().ToString("N");

    private async Task ReplayOutcomesAsync(QueueSession session, Replay replay, Operation operation, TimeSpan wait, CancellationToken cancellationToken)
    {
        var outcomes = new Outcomes(_advisor, session, replay.Targets, IsQuietAsync);
        await outcomes.WaitAsync(operation, wait, cancellationToken);
    }

    private async Task<bool> IsQuietAsync(QueueSession session, string queue, CancellationToken cancellationToken) =>
        await session.ReadyAsync(queue, cancellationToken) == 0
        && await _management.QueueAsync(queue, cancellationToken) is { Ready: 0, Unacknowledged: 0 };

    /// <summary>The outcome in an operator's words.</summary>
    /// <param name="outcome">The outcome.</param>
    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Sent => "was sent",
        Outcome.Gone => "is gone from its queue and did not fail",
        Outcome.Delayed => "is delayed",
        Outcome.FailedAgain => "failed again",
        _ => "is still waiting",
    };
}
