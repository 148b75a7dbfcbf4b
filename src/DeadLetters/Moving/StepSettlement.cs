using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>How far the outcomes of a step are known.</summary>
internal enum Settlement
{
    /// <summary>More may become known.</summary>
    Open,

    /// <summary>All outcomes are known, or no more are expected.</summary>
    Settled,

    /// <summary>Nothing was heard for too long. The messages without an outcome count as unknown.</summary>
    TimedOut,

    /// <summary>Messages wait in a queue that has no consumer.</summary>
    NoConsumer,

    /// <summary>No message of the step was seen leaving its queue.</summary>
    NoneLeft,

    /// <summary>No message of the step was seen leaving its queue, but RabbitMQ did not count the queue either.</summary>
    NotCounted,
}

/// <summary>Watches the outcomes of one step, and decides when the next one may begin.</summary>
/// <param name="wait">How long to wait without news.</param>
/// <param name="now">The time at which the step's last message was moved.</param>
internal sealed class StepSettlement(TimeSpan wait, TimeSpan now)
{
    /// <summary>If the application reports nothing: how long no failure may be seen after the messages have left their queue.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    /// <summary>A consumer that reconnects is missing for a moment.</summary>
    public static readonly TimeSpan ConsumerReturns = TimeSpan.FromSeconds(5);

    private TimeSpan _lastNews = now;
    private TimeSpan? _withoutConsumer;
    private TimeSpan? _lastCount;
    private TimeSpan _looked = now;
    private StepCounts _last;
    private long? _fewestReady;
    private bool _someLeft;

    /// <summary>Looks at the step again.</summary>
    /// <param name="step">The outcomes of its messages so far.</param>
    /// <param name="reports">Whether the application reports outcomes, or may do so.</param>
    /// <param name="ready">How many messages are ready in the queues in which some of the step wait; null if that can't be found out now.</param>
    /// <param name="hasConsumer">Whether each of these queues has a consumer.</param>
    /// <param name="now">The time, by the clock of the step.</param>
    public Settlement Look(StepCounts step, bool reports, long? ready, bool hasConsumer, TimeSpan now)
    {
        _looked = now;
        _someLeft |= step.Waiting < step.Moved || ready < _fewestReady;
        if (step != _last || ready < _fewestReady)
            _lastNews = now;
        if (ready is not null)
            _lastCount = now;
        (_last, _fewestReady) = (step, ready < (_fewestReady ?? long.MaxValue) ? ready : _fewestReady);
        if (step.Waiting + step.Left == 0)
            return Settlement.Settled;
        if (step.Waiting == 0 && !reports && now - _lastNews >= Quiet)
            return Settlement.Settled;
        _withoutConsumer = step.Waiting == 0 || hasConsumer ? null : _withoutConsumer ?? now;
        if (now - _withoutConsumer >= ConsumerReturns)
            return Settlement.NoConsumer;
        return now - _lastNews < wait ? Settlement.Open
            : _someLeft ? Settlement.TimedOut
            : now - _lastCount < wait / 2 ? Settlement.NoneLeft
            : Settlement.NotCounted;
    }

    /// <summary>What was seen of the queues in which the step waits, for an operator.</summary>
    /// <param name="found">What <see cref="Look"/> found.</param>
    /// <param name="without">One of these queues that has no consumer; null if each has one.</param>
    public string Reason(Settlement found, string? without) =>
        without is not null ? $"{without} has no consumer"
        : found != Settlement.NotCounted ? $"none was seen leaving for {Seconds(wait)}"
        : _lastCount is { } counted ? $"none was seen leaving, and RabbitMQ has not counted them for the last {Seconds(_looked - counted)}"
        : $"RabbitMQ could not count them for {Seconds(wait)}";

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");
}
