namespace WorkinIt.Gifs;

/// <summary>Finds a GIF for a thought: at Giphy if a key is set, else in the built-in collection.</summary>
public interface IGifFinder
{
    /// <summary>Finds a GIF.</summary>
    /// <param name="thought">1 to 500 characters.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="GifUnavailableException">Giphy returned no GIF, temporarily: try again later.</exception>
    /// <exception cref="GiphyKeyRefusedException">Giphy refuses the key: no retry helps until it is fixed.</exception>
    Task<Gif> FindAsync(string thought, CancellationToken cancellationToken);
}
