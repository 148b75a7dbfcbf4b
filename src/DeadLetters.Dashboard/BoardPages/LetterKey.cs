using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>Names a letter in a form: its source, queue and id, each percent-encoded, with slashes between them.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Id">The letter's id; empty if the value names a queue.</param>
internal sealed record LetterKey(string Source, string Queue, string Id)
{
    public static string Of(CatalogueLetter letter) => new LetterKey(letter.Source, letter.Queue, letter.Id).ToString();

    /// <summary>The address of the letter's page, in its own source.</summary>
    public static string Link(PageContext page, CatalogueLetter letter) =>
        page.Links.Of(letter.Source).Letter(letter.Queue, letter.Id);

    /// <summary>Where a letter is, in words.</summary>
    public static string Word(CatalogueLetter letter) => letter is { State: LetterState.Gone, By.Length: > 0 } ? "gone, and dismissed" : Word(letter.State);

    private static string Word(LetterState state) => state switch
    {
        LetterState.There => "in the queue",
        LetterState.Replayed => "replayed",
        LetterState.Discarded => "discarded",
        LetterState.Restored => "restored",
        LetterState.Kept => "kept here: its queue was missing",
        LetterState.Unseen => "gone, and never seen in its queue",
        _ => "left the queue in another way",
    };

    /// <exception cref="FormatException">The value is none that <see cref="ToString"/> writes.</exception>
    public static LetterKey Parse(string value) => value.Split('/') is [var source, var queue, var id]
        ? new LetterKey(Uri.UnescapeDataString(source), Uri.UnescapeDataString(queue), Uri.UnescapeDataString(id))
        : throw new FormatException($"“{value}” names no dead letter. Reload the page and select again.");

    public override string ToString() => $"{Uri.EscapeDataString(Source)}/{Uri.EscapeDataString(Queue)}/{Uri.EscapeDataString(Id)}";
}
