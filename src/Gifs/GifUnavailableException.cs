namespace WorkinIt.Gifs;

/// <summary>Giphy gave no GIF this time: out of reach, too slow, too many requests, or an answer that makes no sense.</summary>
/// <param name="message">What happened.</param>
/// <param name="retryAfter">How long Giphy asked to be left alone, if it said so.</param>
/// <param name="notAsked">It has failed so often just now that it was not even asked.</param>
public sealed class GifUnavailableException(string message, TimeSpan? retryAfter = null, bool notAsked = false) : Exception(message)
{
    /// <summary>It has failed so often just now that it was not even asked.</summary>
    public bool NotAsked { get; } = notAsked;

    /// <summary>How long Giphy asked to be left alone; null where it didn't say.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>Giphy refuses the key: no retry helps until <c>Giphy__ApiKey</c> is mended.</summary>
/// <param name="status">401 or 403.</param>
public sealed class GiphyKeyRefusedException(int status)
    : Exception($"Giphy refuses the key ({status}): set Giphy__ApiKey to a valid one, or unset it to use the built-in collection");
