namespace WorkinIt.DeadLetters;

/// <summary>A queue that messages are moved to, and what the broker's configuration would do to them there.</summary>
/// <param name="Queue">The queue's name.</param>
/// <param name="Exchange">The exchange to publish to; empty: the default exchange.</param>
/// <param name="RoutingKey">The routing key.</param>
internal sealed record ReplayTarget(string Queue, string Exchange, string RoutingKey)
{
    /// <summary>Why no message can be moved there; null if messages can be.</summary>
    public string? Refusal { get; init; }

    /// <summary>The warnings about each message that is moved there.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>How much still fits; null if the queue has no limit.</summary>
    public TargetRoom? Room { get; init; }

    /// <summary>The queue as the management API reports it; null if the API does not answer.</summary>
    public BrokerQueue? Definition { get; init; }
}
