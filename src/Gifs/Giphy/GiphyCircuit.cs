using Polly.CircuitBreaker;

namespace WorkinIt.Gifs.Giphy;

/// <summary>The state of the circuit breaker for Giphy, which opens after too many failures.</summary>
internal sealed class GiphyCircuit
{
    /// <summary>How long the circuit stays open.</summary>
    public static TimeSpan Break { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Polly's state of the circuit.</summary>
    public CircuitBreakerStateProvider State { get; } = new();

    /// <summary>Whether the circuit is not closed: it blocks requests, or lets one through as a probe.</summary>
    public bool IsOpen => State.CircuitState != CircuitState.Closed;
}
