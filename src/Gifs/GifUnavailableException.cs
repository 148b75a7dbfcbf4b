namespace WorkinIt.Gifs;

/// <summary>Giphy returned no GIF, temporarily: it is unreachable, too slow, limits requests, or returned an invalid response.</summary>
/// <param name="message">What happened.</param>
/// <param name="retryAfter">How long to wait before the next request; null if no pause is known.</param>
/// <param name="notAsked">Whether no request was sent, because the circuit breaker is open.</param>
public sealed class GifUnavailableException(string message, TimeSpan? retryAfter = null, bool notAsked = false) : Exception(message)
{
    /// <summary>Whether no request was sent, because the circuit breaker is open after too many failures.</summary>
    public bool NotAsked { get; } = notAsked;

    /// <summary>How long to wait before the next request: Giphy's <c>Retry-After</c>, or the circuit breaker's pause; null if neither is known.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>Giphy refuses the key: no retry helps until <c>Giphy__ApiKey</c> is fixed.</summary>
/// <param name="status">The HTTP status: 401 or 403.</param>
public sealed class GiphyKeyRefusedException(int status)
    : Exception($"Giphy refuses the key ({status}): set Giphy__ApiKey to a valid key, or unset it to use the built-in collection");
