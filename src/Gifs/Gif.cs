namespace WorkinIt.Gifs;

/// <summary>A GIF that fits a thought.</summary>
/// <param name="Alt">What is to be seen, for those who don't see it: one short sentence.</param>
public abstract record Gif(string Alt)
{
    /// <summary>Names the GIF in events and in the store: a name of the collection, or an https URL.</summary>
    public abstract string Reference { get; }
}

/// <summary>A GIF of the built-in collection; ours to attach.</summary>
/// <param name="Name">Its name in the collection.</param>
/// <param name="Alt">What is to be seen.</param>
/// <param name="Content">The file, <c>image/gif</c>.</param>
public sealed record CollectionGif(string Name, string Alt, ReadOnlyMemory<byte> Content) : Gif(Alt)
{
    /// <inheritdoc/>
    public override string Reference => Name;
}

/// <summary>A GIF at Giphy. Giphy's terms: link it, never copy it, and say "Powered by GIPHY".</summary>
/// <param name="Url">The file's https URL.</param>
/// <param name="Alt">What is to be seen.</param>
public sealed record GiphyGif(Uri Url, string Alt) : Gif(Alt)
{
    /// <inheritdoc/>
    public override string Reference => Url.AbsoluteUri;
}
