using RabbitMQ.Client;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Puts letters that failed while their queue was missing into it, as they were. Call it right after a walk of the queue: a letter that the walk found
/// there is not kept any more. What is on its way when the process dies is decided by the next walk.
/// </summary>
internal sealed class PutBack(FeedContext context)
{
    private const string Catalogue = "The catalogue";

    /// <summary>Puts back all kept letters of a queue.</summary>
    /// <returns>Why letters are still kept; null if none are.</returns>
    public async Task<string?> RunAsync(string queue, CancellationToken cancellationToken)
    {
        string? problem = null;
        foreach (var by in await context.Reader.KeptAsync(statements => KeptReading.By(statements, context.Source, queue), cancellationToken))
        {
            try
            {
                problem = await RunAsync(queue, by, cancellationToken) ?? problem;
            }
            catch (DeadLetterException e)
            {
                problem = e.Message;
            }
        }
        return problem is null ? null : $"Letters that failed while the queue was missing are kept here: {problem}";
    }

    private async Task<string?> RunAsync(string queue, string? by, CancellationToken cancellationToken)
    {
        var entry = new AuditEntry { Id = AuditedOperations.NewId(), At = context.Time.GetUtcNow(), By = by ?? Catalogue, Verb = "put back", Queue = queue };
        var (tally, problem) = (new Tally(), (string?)null);
        await context.Client.Audit.WriteAsync(entry, cancellationToken);
        try
        {
            await PutAllAsync(entry, by, tally, cancellationToken);
            problem = tally.Problem;
        }
        catch (Exception e)
        {
            problem = $"{AuditedOperations.Why(e)}. The queue is read, and the rest is put back later";
            throw;
        }
        finally
        {
            await context.Client.Audit.WriteAsync(entry with
            {
                EndedAt = context.Time.GetUtcNow(),
                Selected = tally.Selected,
                Done = tally.Done,
                Refused = tally.Refused,
                Problem = problem ?? "",
                Messages = tally.Messages,
            }, CancellationToken.None);
        }
        return problem;
    }

    private async Task PutAllAsync(AuditEntry entry, string? by, Tally tally, CancellationToken cancellationToken)
    {
        await using var publisher = await Publisher.OpenAsync(context.Broker, $"dead letters: put back to {entry.Queue}", onBlocked: () => { }, cancellationToken);
        for (long last = 0; await NextAsync(entry.Queue, by, last, cancellationToken) is { Count: > 0 } letters; last = letters[^1].Key)
        {
            tally.Add(letters);
            var readable = letters.Where(kept => kept.Letter is not null).Select(kept => (kept.Key, Letter: kept.Letter!, Properties: PropertiesOf(kept.Letter!))).ToList();
            await context.Store.Kept.BeginAsync(
                context.Source, entry.Queue, entry.Id, [.. readable.Select(one => (one.Key, DeadLetterJson.HashOf(one.Properties, one.Letter.Body.Span)))], cancellationToken);
            var confirms = new List<(long Key, DeadLetter Letter, Task<string?> Confirm)>(readable.Count);
            foreach (var (key, letter, properties) in readable)
            {
                cancellationToken.ThrowIfCancellationRequested();
                confirms.Add((key, letter, await publisher.SendAsync("", entry.Queue, properties, letter.Body, cancellationToken)));
            }
            var (confirmed, refused) = (new List<long>(confirms.Count), new List<long>());
            foreach (var (key, letter, confirm) in confirms)
            {
                var why = await confirm;
                (why is null ? confirmed : refused).Add(key);
                tally.Add(letter, why);
            }
            await context.Store.Kept.EndAsync(confirmed, refused, CancellationToken.None);
        }
    }

    private Task<IReadOnlyList<KeptLetter>> NextAsync(string queue, string? by, long last, CancellationToken cancellationToken) =>
        context.Reader.KeptAsync(statements => KeptReading.Next(statements, context.Source, queue, by, last), cancellationToken);

    // As an import does: the broker would send copies by CC to other queues, and refuse the user-id of another user.
    private static BasicProperties PropertiesOf(DeadLetter letter) => MovedProperties.Of(letter, header => !Headers.IsCount(header));

    private sealed class Tally
    {
        private readonly List<string> _messages = [];

        public long Selected { get; private set; }

        public long Done { get; private set; }

        public long Refused { get; private set; }

        /// <summary>Why letters were not put back; null if all were.</summary>
        public string? Problem { get; private set; }

        public IReadOnlyList<string> Messages => _messages;

        public void Add(IReadOnlyList<KeptLetter> letters)
        {
            Selected += letters.Count;
            if (letters.Any(kept => kept.Letter is null))
                Problem = "the contents of some can't be read";
        }

        public void Add(DeadLetter letter, string? why)
        {
            if (why is not null)
            {
                Refused++;
                Problem = why;
                return;
            }
            Done++;
            if (_messages.Count < AuditEntry.NamedMessages)
                _messages.Add(letter.MessageId ?? letter.Id);
        }
    }
}
