using MassTransit;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>One delivery of a replayed message, and what is known about it so far.</summary>
/// <param name="owner">Reports it; others leave it alone.</param>
/// <param name="queue">The queue it came from.</param>
/// <param name="id">The message's <c>Replay-Id</c>.</param>
/// <param name="stamp">All headers of the replay.</param>
internal sealed class ReplayedDelivery(ReplayReports owner, string queue, string id, KeyValuePair<string, object>[] stamp)
{
    private static int _deliveries;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _consumers = [];
    private ReportKind? _ending;
    private bool _leaves;
    private SlipStep _slip;
    private DateTimeOffset? _until;
    private string? _exceptionType;
    private string? _reason;

    /// <summary>The step of a routing slip.</summary>
    private enum SlipStep
    {
        None,
        Unknown,
        Done,
    }

    public ReplayReports Owner => owner;

    public string Id => id;

    public int Number { get; } = Interlocked.Increment(ref _deliveries);

    public KeyValuePair<string, object>[] Stamp => stamp;

    /// <summary>Whether a failure of the message was seen, for which MassTransit may send other messages.</summary>
    public bool HasFailed { get; private set; }

    public static ReplayedDelivery? Of(ReceiveContext context) =>
        Reports.Stamp.IsOn(context) && context.TryGetPayload<ReplayedDelivery>(out var delivery) ? delivery : null;

    public void Consumed(string consumer, bool isSlip)
    {
        lock (_lock)
        {
            if (isSlip && _slip == SlipStep.None)
                _slip = SlipStep.Unknown;
            // MassTransit counts a message as consumed when it has scheduled the redelivery.
            if (consumer.Contains("RedeliveryRetryFilter<", StringComparison.Ordinal))
                _ending ??= ReportKind.Delayed;
            else
                _consumers.Add(consumer);
        }
    }

    /// <summary>The message is in the dead-letter queue.</summary>
    public void Failed(string? consumer, string? exceptionType, string? reason)
    {
        lock (_lock)
        {
            (_ending, _exceptionType, _reason, HasFailed) = (ReportKind.Failed, exceptionType, reason, true);
            if (consumer is not null)
            {
                _consumers.Clear();
                _consumers.Add(consumer);
            }
        }
    }

    public void Skipped()
    {
        lock (_lock)
            _ending = ReportKind.Skipped;
    }

    public void Delayed(DateTimeOffset until)
    {
        lock (_lock)
            (_ending, _until) = (ReportKind.Delayed, until);
    }

    /// <summary>A copy with the stamp is in another queue.</summary>
    public void Moved()
    {
        lock (_lock)
            _leaves = true;
    }

    /// <summary>An activity of a routing slip succeeded.</summary>
    public void SlipStepDone()
    {
        lock (_lock)
            _slip = SlipStep.Done;
    }

    /// <summary>The outcome; null if it is not known, or reported elsewhere.</summary>
    /// <param name="context">The message, after all consumers, outboxes and moves, and after the ack.</param>
    public ReplayReport? Outcome(ReceiveContext context)
    {
        lock (_lock)
        {
            var kind = _ending ?? (_leaves || !context.IsDelivered || context.IsFaulted || _slip == SlipStep.Unknown ? null : ReportKind.Handled);
            return kind is not { } known ? null : Report(known) with
            {
                Consumer = _consumers.Count == 1 ? _consumers.First() : null,
                Milliseconds = Math.Round(context.ElapsedTime.TotalMilliseconds, 3),
                ExceptionType = _exceptionType,
                Reason = _reason,
                Until = _until,
            };
        }
    }

    public ReplayReport Report(ReportKind kind) => new()
    {
        ReplayId = Id,
        Kind = kind,
        At = DateTimeOffset.UtcNow,
        Queue = queue,
        Try = Number,
        Host = ThisApplication.Machine,
        Application = ThisApplication.Name,
        Version = ThisApplication.Version,
    };
}
