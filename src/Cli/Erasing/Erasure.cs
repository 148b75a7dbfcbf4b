using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary>What an erasure removed, or would remove.</summary>
/// <param name="Submissions">The number of rows in the store.</param>
/// <param name="DeadLetters">The number of dead letters by queue, without queues that had none.</param>
/// <param name="AuditEntries">The number of entries of the audit file whose contents were removed.</param>
/// <param name="AuditFile">The path of the audit file.</param>
/// <param name="CatalogueEntries">The number of entries of the audit log in the catalogue's database whose contents were removed; null without a catalogue.</param>
/// <param name="Catalogue">The number of letters in the catalogue; null without a catalogue.</param>
/// <param name="Problems">What failed, and why. Another run may succeed.</param>
/// <param name="Notes">What the operator has to do manually.</param>
internal sealed record Erased(
    int Submissions, IReadOnlyDictionary<string, long> DeadLetters, int AuditEntries, string AuditFile, int? CatalogueEntries, long? Catalogue, IReadOnlyList<string> Problems, IReadOnlyList<string> Notes);

/// <summary>Removes a person's data from the store, the ledger, the dead letters and the audit log. Each step is complete on its own, so an interrupted run can be repeated.</summary>
internal sealed class Erasure(CommandContext context, Person person, Database store, Database deliveries, CatalogueErasure? catalogue, AuditErasure? audit)
{
    private const long LargestToRewrite = 400L << 20; // bytes: rewriting takes about 2 s, and Web's writes wait at most 4 s

    private readonly StoredSubmissions _submissions = new(store);
    private readonly DeadLetterFilter _theirs = DeadLetterFilter.All with { Condition = ("of one recipient", person.IsRecipientOf) };

    public async Task<Erased> RunAsync(bool dryRun, IReadOnlyCollection<string> queues, CancellationToken cancellationToken)
    {
        // The store before the queues: Web then publishes no more of these submissions.
        var ids = _submissions.Find(person);
        if (!dryRun)
            await RemoveAsync(ids, cancellationToken);
        var (found, problems, notes) = (new SortedDictionary<string, long>(StringComparer.Ordinal), new List<string>(), new List<string>());
        foreach (var queue in await context.Broker.FindQueuesAsync(cancellationToken))
        {
            if (queue.Messages == 0 || !queues.Any(prefix => queue.Name.StartsWith(prefix, StringComparison.Ordinal)))
                continue;
            try
            {
                if (await RemoveAsync(queue.Name, dryRun, problems, cancellationToken) is > 0 and var count)
                    found.Add(queue.Name, count);
            }
            catch (DeadLetterException e) when (e.Problem is DeadLetterProblem.Locked or DeadLetterProblem.Refused or DeadLetterProblem.Forbidden)
            {
                problems.Add($"{queue.Name}: {e.Message}");
            }
        }
        var entries = await context.Audit.File.EraseAsync(person.IsRecipientOf, dryRun, cancellationToken);
        var catalogueEntries = audit is null ? (int?)null : await audit.RunAsync(person.IsRecipientOf, dryRun, cancellationToken);
        // After the queues: what was removed there is in the catalogue until its feed hears of it.
        var letters = catalogue is null ? (long?)null : await catalogue.RunAsync(IsTheirs, queues, dryRun, cancellationToken);
        if (!dryRun)
        {
            Overwrite(store.WriteAnew, "Web's store", problems, notes);
            Overwrite(deliveries.WriteAnew, "the ledger", problems, notes);
            if (catalogue is not null)
                Overwrite(_ => catalogue.Overwrite(), "the catalogue", problems, notes);
        }
        return new Erased(ids.Count, found, entries, context.Audit.File.FilePath, catalogueEntries, letters, problems, notes);
    }

    private bool IsTheirs(DeadLetter? letter, string reason) => letter is null ? person.IsRecipientOf(reason) : person.IsRecipientOf(letter);

    // Last, so that an interrupt here leaves only copies in the database files.
    private static void Overwrite(Func<long, CopiesLeft?> rewrite, string what, List<string> problems, List<string> notes)
    {
        if (rewrite(LargestToRewrite) is not { } left)
            return;
        if (left.TryAgain)
            problems.Add($"Copies of the removed data may be left in the SQLite file of {what}, which could not be rewritten ({left.Why}): run this once more");
        else
            notes.Add($"Copies of the removed data may be left in the SQLite file of {what}. It was not rewritten because {left.Why}, and writers would wait too long: at a quiet time, run VACUUM on it, then PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private async Task RemoveAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await using var writer = new GroupCommit(deliveries);
        await new DeliveryLedger(deliveries, writer, TimeProvider.System).ForgetAsync(ids, cancellationToken);
        _submissions.Remove(ids);
    }

    private async Task<long> RemoveAsync(string queue, bool dryRun, List<string> problems, CancellationToken cancellationToken)
    {
        // Count first: removing writes an audit entry, even if there is nothing to remove.
        var page = await context.Broker.ListAsync(queue, _theirs, 0, 1, context.By, cancellationToken);
        if (page.Hidden > 0)
            problems.Add($"{queue}: RabbitMQ's delayed retry hides {page.Hidden} messages, which were not searched: run this again later");
        if (page.Matching == 0 || dryRun)
            return page.Matching;
        var result = await context.Broker.RemoveAsync(new OperationRequest { Queue = queue, Filter = _theirs, By = context.By, Expected = page.Matching }, null, cancellationToken);
        if (result.Stopped is { } stopped)
            throw new DeadLetterException(DeadLetterProblem.Refused, stopped);
        if (result.Missing > 0)
            problems.Add($"{queue}: {result.Missing} of {page.Matching} messages were not found when they were to be removed. They have expired, another user has moved them, or RabbitMQ hides them: run this again");
        return result.Done;
    }
}
