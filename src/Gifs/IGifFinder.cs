namespace WorkinIt.Gifs;

/// <summary>Finds a GIF about a thought: at Giphy when a key is set, else in the built-in collection.</summary>
public interface IGifFinder
{
    /// <summary>Finds one.</summary>
    /// <param name="thought">1 to 500 characters.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="GifUnavailableException">Not now; try again.</exception>
    /// <exception cref="GiphyKeyRefusedException">Not before somebody mends the key.</exception>
    Task<Gif> FindAsync(string thought, CancellationToken cancellationToken);
}
