using Polly.CircuitBreaker;

namespace WorkinIt.Gifs.Giphy;

/// <summary>Whether Giphy has failed too often just now to be asked.</summary>
internal sealed class GiphyCircuit
{
    /// <summary>How long it is left alone then.</summary>
    public static TimeSpan Break { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The circuit breaker's own account.</summary>
    public CircuitBreakerStateProvider State { get; } = new();

    /// <summary>Whether it is left alone, or asked by one only.</summary>
    public bool IsOpen => State.CircuitState != CircuitState.Closed;
}
