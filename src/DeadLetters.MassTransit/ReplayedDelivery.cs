using MassTransit;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>One delivery of a replayed message, and its outcome so far.</summary>
/// <param name="owner">Reports it; others leave it alone.</param>
/// <param name="message">The message.</param>
/// <param name="id">Its <c>Replay-Id</c>.</param>
/// <param name="endpoint">The endpoint that took it.</param>
/// <param name="reports">Where its reports go.</param>
internal sealed class ReplayedDelivery(ReplayReports owner, ReceiveContext message, string id, Endpoint endpoint, IReportQueue? reports)
{
    private static int _deliveries;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _consumers = [];
    private ReportKind? _ending;
    private bool _isElsewhere;
    private bool _isDelayed;
    private SlipStep _slip;
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

    /// <summary>All headers of the replay.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Stamp { get; } = Reports.Stamp.Of(message);

    private int Number { get; } = Interlocked.Increment(ref _deliveries);

    /// <summary>Whether a failure of the message was seen, for which MassTransit may send other messages.</summary>
    public bool HasFailed { get; private set; }

    public static ReplayedDelivery? Of(ReceiveContext context) =>
        Reports.Stamp.IsOn(context) && context.TryGetPayload<ReplayedDelivery>(out var delivery) ? delivery : null;

    public void Taken() => reports?.Add(Report(ReportKind.Taken) with { Consumer = endpoint.Consumer });

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

    /// <summary>
    /// A copy waits for a later try. This is reported at once: after the acknowledgement, another process might have handled the copy, and its report
    /// would come first.
    /// </summary>
    /// <param name="until">When it comes back; null if that is not known.</param>
    public void Delayed(DateTimeOffset? until)
    {
        lock (_lock)
            (_isElsewhere, _isDelayed) = (true, true);
        reports?.Add(Timed(ReportKind.Delayed) with { Until = until });
    }

    /// <summary>A copy with the stamp is in another queue.</summary>
    public void Moved()
    {
        lock (_lock)
            _isElsewhere = true;
    }

    /// <summary>An activity of a routing slip succeeded.</summary>
    public void SlipStepDone()
    {
        lock (_lock)
            _slip = SlipStep.Done;
    }

    /// <summary>Reports the outcome, unless it is not known, or reported elsewhere. To be called after all consumers, outboxes and moves, and after the ack.</summary>
    public void End()
    {
        lock (_lock)
        {
            var isHandled = !_isElsewhere && message.IsDelivered && !message.IsFaulted && _slip != SlipStep.Unknown;
            if ((_ending ?? (isHandled ? ReportKind.Handled : null)) is { } kind && (kind != ReportKind.Delayed || !_isDelayed))
                reports?.Add(Timed(kind) with { ExceptionType = _exceptionType, Reason = _reason });
        }
    }

    private ReplayReport Timed(ReportKind kind) => Report(kind) with
    {
        Consumer = _consumers.Count == 1 ? _consumers.First() : kind == ReportKind.Delayed ? endpoint.Consumer : null,
        Milliseconds = Math.Round(message.ElapsedTime.TotalMilliseconds, 3),
    };

    private ReplayReport Report(ReportKind kind) => new()
    {
        ReplayId = id,
        Kind = kind,
        At = DateTimeOffset.UtcNow,
        Queue = endpoint.Queue,
        Try = Number,
        Host = ThisApplication.Machine,
        Application = ThisApplication.Name,
        Version = ThisApplication.Version,
    };
}
