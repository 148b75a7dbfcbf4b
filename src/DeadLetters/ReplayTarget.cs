namespace WorkinIt.DeadLetters;

/// <summary>A queue that messages are moved to, and what the broker's configuration would do to them there.</summary>
/// <param name="Queue">Its name.</param>
/// <param name="Exchange">Where to publish; empty: the default exchange.</param>
/// <param name="RoutingKey">By which key.</param>
internal sealed record ReplayTarget(string Queue, string Exchange, string RoutingKey)
{
    /// <summary>Why nothing can be moved there; null when something can.</summary>
    public string? Refusal { get; init; }

    /// <summary>What there is to know about each message that is moved there.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>How much still fits; null where no limit is set.</summary>
    public TargetRoom? Room { get; init; }

    /// <summary>What the management API says of it; null where it can't be asked.</summary>
    public BrokerQueue? Definition { get; init; }
}
