using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The operator's verbs over the dead-letter queues of one virtual host, whatever MassTransit application they belong to. All of
/// its operations are safe to interrupt and to run again: nothing is taken off a queue before its copy is confirmed.
/// </summary>
public sealed partial class DeadLetterClient : IDisposable
{
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(5);

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
    public DeadLetterClient(DeadLetterOptions options, IAuditLog audit, IReplayAdvisor? advisor = null, TimeProvider? time = null)
    {
        (_options, _audit, _advisor, _time) = (options, new GuardedAudit(audit), advisor, time ?? TimeProvider.System);
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
            .Where(queue => !queue.Exclusive && _options.Names.Contains(queue.Name))
            .ToList();
        var ready = await QueueCounts.ReadyAsync(_options, [.. queues.Select(queue => queue.Name)], cancellationToken);
        return [.. queues
            .Select(queue => Describe(queue, ready))
            .OrderBy(queue => queue.Messages == 0).ThenBy(queue => queue.IsDiscarded).ThenBy(queue => queue.Name, StringComparer.Ordinal)];
    }

    /// <summary>Tells of one queue; null where there is none.</summary>
    /// <param name="queue">Its name.</param>
    /// <param name="cancellationToken">Ends it.</param>
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
            // Without the management API. Where the broker does not answer either, that is said.
            return (await QueueCounts.ReadyAsync(_options, [queue], cancellationToken)).TryGetValue(queue, out var count)
                ? new DeadLetterQueue(queue, count, InputQueueOf(queue), DeadLetterQueueNames.IsDiscarded(queue), null)
                : null;
        }
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
                stopped = InDoubt("It was cancelled: what was not moved is where it was", operation.Doubts);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = InDoubt("It was cancelled: what was not moved is where it was", operation.Doubts);
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
                ? $"{who} is at work on this queue ({queue.Text("what")}, since {queue.Text("since")})"
                : "Somebody is at work on this queue";
        }
        catch (DeadLetterException)
        {
            return "Somebody is at work on this queue (who, the management API could not tell)";
        }
    }

    // In hand counts too: somebody replays, perhaps, and may give it back.
    private DeadLetterQueue Describe(BrokerQueue queue, IReadOnlyDictionary<string, long> ready)
    {
        var now = ready.GetValueOrDefault(queue.Name, queue.Ready);
        var hidden = queue.HiddenBeside(now);
        return new DeadLetterQueue(
            queue.Name, now + hidden > 0 ? now + hidden : queue.Unacknowledged, InputQueueOf(queue.Name), DeadLetterQueueNames.IsDiscarded(queue.Name),
            queue.HidesReturnedMessages is { } delay ? $"The queue has RabbitMQ's delayed retry: each message that is looked at is hidden {delay}, and comes back automatically"
            : queue.Type == "quorum" && queue.DeliveryLimit is >= 0 and var limit
                ? string.Create(CultureInfo.InvariantCulture, $"The queue has a delivery limit of {limit}: up to RabbitMQ 4.2 each look counts, and after {limit} the broker drops the message")
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

    // For the audit log: an operation that failed has ended, whatever it failed by.
    private static string Why(Exception e) => e switch
    {
        DeadLetterException => e.Message,
        OperationCanceledException => "It was cancelled",
        _ => $"It failed ({e.GetType().Name})",
    };

    private static string NewId() => Guid.CreateVersion7().ToString("N");
}
