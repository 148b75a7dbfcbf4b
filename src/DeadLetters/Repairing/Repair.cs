using System.Text.Unicode;

namespace WorkinIt.DeadLetters;

/// <summary>A dead letter with its repaired body; or unchanged, and why the patch does not apply.</summary>
internal sealed record Repaired(DeadLetter Letter, string? Problem);

/// <summary>Applies the patch of one operation to dead letters, and keeps the original of each one that is about to be moved.</summary>
/// <param name="patch">The patch.</param>
/// <param name="audit">Keeps the originals.</param>
/// <param name="operation">The operation's id.</param>
internal sealed class Repair(MessagePatch patch, IAuditLog audit, string operation)
{
    private readonly HashSet<string> _kept = []; // a paced repair reads the letters of later passes again

    /// <summary>For a dry run: what the repair would change.</summary>
    public RepairChanges Changes { get; } = new();

    /// <summary>Applies the patch to a dead letter. The id, the headers and the rest of its envelope stay.</summary>
    public Repaired Apply(DeadLetter letter)
    {
        if (letter.DiscardedFrom is not null || letter.Unreadable is not null)
            return new Repaired(letter, null); // refused for that reason
        if (letter.JsonMessage is not { } message)
            return new Repaired(letter, letter.Amqp10 is null ? "only JSON can be repaired, and its body contains none" : letter.EditProblem);
        if (!Utf8.IsValid(message.Span))
            return new Repaired(letter, "its JSON is not valid UTF-8");
        var (json, problem) = patch.Apply(message.Span);
        if (json is null)
            return new Repaired(letter, problem);
        if (message.Span.SequenceEqual(json) || CompactJson.Of(message.Span).AsSpan().SequenceEqual(CompactJson.Of(json)))
            return new Repaired(letter, "the patch changes nothing");
        var body = Envelope.WithMessage(letter.Body, letter.ContentType, json);
        return Envelope.IsValid(body.Span)
            ? new Repaired(letter.WithBody(body), null)
            : new Repaired(letter, "the patch would nest the message deeper than 256 levels");
    }

    /// <summary>Keeps the originals of the letters that are about to be moved. Nothing of them is published before that.</summary>
    /// <param name="letters">The letters as they are.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="DeadLetterException">The audit log can't keep them.</exception>
    public async Task KeepAsync(IEnumerable<DeadLetter> letters, CancellationToken cancellationToken)
    {
        List<DeadLetter> moved = [.. letters.Where(letter => !_kept.Contains(letter.Id))];
        if (moved.Count == 0)
            return;
        await audit.KeepOriginalsAsync(operation, [.. moved.Select(letter => new OriginalMessage(letter.Id, letter.MessageId, letter.JsonMessage!.Value))], cancellationToken);
        _kept.UnionWith(moved.Select(letter => letter.Id));
    }
}
