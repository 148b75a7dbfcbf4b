namespace WorkinIt.DeadLetters;

/// <summary>What a repair would do to the dead letters of one cause.</summary>
/// <param name="Cause">The cause.</param>
/// <param name="Count">How many of its dead letters the patch would change.</param>
/// <param name="Examples">The changes of the first few; empty if they are too large to show.</param>
public sealed record RepairedCause(Cause Cause, long Count, IReadOnlyList<MessageChange> Examples);

/// <summary>A message before and after a repair, as indented JSON. The masked texts have the same lines as the others, so that a diff of the others also applies to them.</summary>
/// <param name="Letter">The dead letter as it is.</param>
/// <param name="Before">The message before the repair. Contains personal data.</param>
/// <param name="After">The message after the repair. Contains personal data.</param>
/// <param name="MaskedBefore">The masked message before the repair.</param>
/// <param name="MaskedAfter">The masked message after the repair.</param>
public sealed record MessageChange(DeadLetter Letter, string Before, string After, string MaskedBefore, string MaskedAfter);

/// <summary>Counts for a dry run what a repair would change, and keeps the first few changes of each cause.</summary>
internal sealed class RepairChanges
{
    private const int ExamplesOfCause = 2;
    private const int LargestExample = 64 * 1024; // bytes of a body
    private const int LargestExamples = 256 * 1024; // bytes of all bodies: the pages keep the results of many dry runs

    private readonly Dictionary<string, (Cause Cause, long Count, List<MessageChange> Examples)> _causes = [];
    private int _size;

    /// <summary>The causes, the largest first.</summary>
    public IReadOnlyList<RepairedCause> Causes => [.. _causes.Values.OrderByDescending(cause => cause.Count).Select(cause => new RepairedCause(cause.Cause, cause.Count, cause.Examples))];

    public void Add(DeadLetter letter, DeadLetter repaired)
    {
        var (cause, count, examples) = _causes.GetValueOrDefault(letter.Cause.Id, (letter.Cause, 0, []));
        _causes[letter.Cause.Id] = (cause, count + 1, examples);
        var size = Math.Max(letter.Body.Length, repaired.Body.Length);
        if (examples.Count >= ExamplesOfCause || size > LargestExample || _size + size > LargestExamples)
            return;
        examples.Add(Change(letter, letter.JsonMessage!.Value, repaired.JsonMessage!.Value));
        _size += size;
    }

    private static MessageChange Change(DeadLetter letter, ReadOnlyMemory<byte> before, ReadOnlyMemory<byte> after)
    {
        var area = MessageAreas.OfMessage(letter.MessageTypes);
        return new MessageChange(letter, Print(before, false), Print(after, false), Print(before, true), Print(after, true));

        string Print(ReadOnlyMemory<byte> json, bool masked) => JsonPrinter.Print(json.Span, new PrintOptions { Masked = masked, Area = area, Message = area })!.Text;
    }
}
