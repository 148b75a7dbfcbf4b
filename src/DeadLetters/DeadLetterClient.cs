using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Lists, replays, edits, discards, restores, exports and imports the dead letters of one virtual host, for any MassTransit application. A
/// move can be interrupted: no message leaves its queue before its copy is confirmed. A message that was published and not confirmed, or not
/// acked, is where it was, and may be in its target queue too: see <see cref="AuditEntry.Doubts"/> before you run the operation again.
/// </summary>
public sealed partial class DeadLetterClient : IDisposable
{
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(5);

    private readonly DeadLetterOptions _options;
    private readonly IAuditLog _audit;
    private readonly IReplayAdvisor? _advisor;
    private readonly TimeProvider _time;
    private readonly ManagementClient _management;

    /// <summary>Creates a client for one virtual host.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="audit">The audit log that records the operations.</param>
    /// <param name="advisor">Adds what only the application knows; null for none.</param>
    /// <param name="time">The clock.</param>
    public DeadLetterClient(DeadLetterOptions options, IAuditLog audit, IReplayAdvisor? advisor = null, TimeProvider? time = null)
    {
        (_options, _audit, _advisor, _time) = (options, new GuardedAudit(audit), advisor, time ?? TimeProvider.System);
        _management = new ManagementClient(options);
    }

    /// <summary>The audit log.</summary>
    public IAuditLog Audit => _audit;

    /// <summary>Lists the dead-letter queues, non-empty ones first.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The management API does not answer.</exception>
    public async Task<IReadOnlyList<DeadLetterQueue>> FindQueuesAsync(CancellationToken cancellationToken)
    {
        var queues = (await _management.QueuesAsync(cancellationToken))
            .Where(queue => !queue.Exclusive && _options.Names.Contains(queue.Name))
            .ToList();
        var ready = await QueueCounts.ReadyAsync(_options, [.. queues.Select(queue => queue.Name)], cancellationToken);
        return [.. queues
            .Select(queue => Describe(queue, ready))
            .OrderBy(queue => queue.Messages == 0).ThenBy(queue => queue.IsDiscarded).ThenBy(queue => queue.Name, StringComparer.Ordinal)];
    }

    /// <summary>Finds one queue; null if there is none.</summary>
    /// <param name="queue">The queue's name.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken)
    {
        try
        {
            return await _management.QueueAsync(queue, cancellationToken) is { } found
                ? Describe(found, await QueueCounts.ReadyAsync(_options, [queue], cancellationToken))
                : null;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.OutOfReach)
        {
            // Without the management API, ask the broker. If it does not answer either, this throws.
            return (await QueueCounts.ReadyAsync(_options, [queue], cancellationToken)).TryGetValue(queue, out var count)
                ? new DeadLetterQueue(queue, count, InputQueueOf(queue), DeadLetterQueueNames.IsDiscarded(queue), null)
                : null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _management.Dispose();

    private async Task<Operation> BeginAsync(QueueSession session, OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        Begin(session, request, await session.ReadyAsync(cancellationToken), progress);

    // Without a filter, all messages of the queue are selected, except where the request names the queue that discarded messages came from.
    private Operation Begin(QueueSession session, OperationRequest request, long total, IProgress<OperationProgress>? progress) =>
        new(session, _options, progress) { Total = total, Meant = request.Expected ?? (request.Filter.IsEmpty && request.Queue == session.Queue ? total : 0) };

    private async Task<OperationResult> AuditedAsync(
        AuditEntry entry, Operation operation, Func<AuditEntry> now, Func<Task<string?>> work, CancellationToken cancellationToken)
    {
        string? stopped = null;
        try
        {
            stopped = await work();
            if (cancellationToken.IsCancellationRequested)
                stopped = InDoubt("Cancelled: messages that were not moved are still in the queue", operation.Doubts);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = InDoubt("Cancelled: messages that were not moved are still in the queue", operation.Doubts);
        }
        catch (Exception e)
        {
            stopped = InDoubt(Why(e), operation.Doubts);
            if (e is not DeadLetterException problem || operation.Doubts.Count == 0)
                throw;
            throw new DeadLetterException(problem.Problem, stopped, e);
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
                Results = operation.Results,
                Doubts = operation.Doubts,
            }, CancellationToken.None);
        }
        return new OperationResult(entry.Id, entry.Queue, operation.Selected, operation.Done, [.. operation.Refused], operation.Replayed, stopped)
        {
            Held = operation.Held,
            Doubts = operation.Doubts,
        };
    }

    private Task<QueueSession> OpenAsync(string queue, string verb, string by, TimeSpan patience, CancellationToken cancellationToken) =>
        QueueSession.OpenAsync(_options, queue, verb, by, patience, HolderAsync, cancellationToken);

    private async Task<string> HolderAsync(string lockQueue, CancellationToken cancellationToken)
    {
        try
        {
            return await _management.QueueAsync(lockQueue, cancellationToken) is { } queue && queue.Text("who") is { } who
                ? $"{who} is running an operation on this queue ({queue.Text("what")}, since {queue.Text("since")})"
                : "Another operation is running on this queue";
        }
        catch (DeadLetterException)
        {
            return "Another operation is running on this queue (the management API could not report whose)";
        }
    }

    // Count unacked messages too: a replay in progress may return them.
    private DeadLetterQueue Describe(BrokerQueue queue, IReadOnlyDictionary<string, long> ready)
    {
        var now = ready.GetValueOrDefault(queue.Name, queue.Ready);
        var hidden = queue.HiddenBeside(now);
        return new DeadLetterQueue(
            queue.Name, now + hidden > 0 ? now + hidden : queue.Unacknowledged, InputQueueOf(queue.Name), DeadLetterQueueNames.IsDiscarded(queue.Name),
            queue.HidesReturnedMessages is { } delay ? $"The queue uses RabbitMQ's delayed retry: each message that is read is hidden {delay}, and comes back automatically"
            : queue.Type == "quorum" && queue.DeliveryLimit is >= 0 and var limit
                ? string.Create(CultureInfo.InvariantCulture, $"The queue has a delivery limit of {limit}: up to RabbitMQ 4.2 each read counts toward it, and after {limit} the broker drops the message")
                : null)
        {
            Hidden = hidden,
            HidesReadMessages = queue.HidesReturnedMessages is not null,
        };
    }

    private string InputQueueOf(string queue) => _options.Names.InputQueueOf(queue);

    private AuditEntry Begin(OperationRequest request, string verb) => new()
    {
        Id = NewId(),
        At = _time.GetUtcNow(),
        By = request.By,
        Verb = verb,
        Queue = request.Queue,
        Filter = request.Filter.ToString(),
    };

    // For the audit log: whatever the exception, the operation has ended, and its entry needs a reason.
    private static string Why(Exception e) => e switch
    {
        DeadLetterException => e.Message,
        OperationCanceledException => "Cancelled",
        _ => $"Failed ({e.GetType().Name})",
    };

    private static string NewId() => Guid.CreateVersion7().ToString("N");
}
