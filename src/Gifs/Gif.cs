namespace WorkinIt.Gifs;

/// <summary>A GIF that fits a thought.</summary>
/// <param name="Alt">The alternative text: one short sentence that describes the picture.</param>
public abstract record Gif(string Alt)
{
    /// <summary>Identifies the GIF in events and in the store: a name in the built-in collection, or an https URL.</summary>
    public abstract string Reference { get; }
}

/// <summary>A GIF of the built-in collection. It is our own, so it may be attached to a mail.</summary>
/// <param name="Name">Its name in the collection.</param>
/// <param name="Alt">The alternative text.</param>
/// <param name="Content">The content of the file, <c>image/gif</c>.</param>
public sealed record CollectionGif(string Name, string Alt, ReadOnlyMemory<byte> Content) : Gif(Alt)
{
    /// <inheritdoc/>
    public override string Reference => Name;
}

/// <summary>A GIF at Giphy. Giphy's terms require linking it instead of copying it, and showing "Powered by GIPHY".</summary>
/// <param name="Url">The file's https URL.</param>
/// <param name="Alt">The alternative text.</param>
public sealed record GiphyGif(Uri Url, string Alt) : Gif(Alt)
{
    /// <inheritdoc/>
    public override string Reference => Url.AbsoluteUri;
}
