namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>One virtual host of one broker, that this application shows and acts on.</summary>
/// <param name="Name">Its name: on the pages, in addresses, in the catalogue and in the audit log.</param>
/// <param name="Options">The broker.</param>
/// <param name="Client">Acts on it.</param>
/// <param name="IsDefault">Whether it is the one of <c>AddDeadLetters</c>, whose pages have addresses without a source.</param>
/// <param name="IsOnly">Whether the application has no other one, so that its pages need no name.</param>
internal sealed record DeadLetterSource(string Name, DeadLetterOptions Options, DeadLetterClient Client, bool IsDefault, bool IsOnly)
{
    /// <summary>A queue's name for an operator: with the source, if there are several.</summary>
    public string Place(string queue) => IsOnly ? queue : $"{queue} ({Name})";
}
