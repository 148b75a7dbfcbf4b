using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary>What an erasure removed, or would remove.</summary>
/// <param name="Submissions">Rows of the store.</param>
/// <param name="DeadLetters">How many, by queue; without those that held none.</param>
/// <param name="AuditEntries">Entries whose contents were taken out.</param>
/// <param name="AuditFile">Where these are.</param>
/// <param name="Problems">What could not be done, and why: running it again may do it.</param>
/// <param name="Notes">What is left to do by hand.</param>
internal sealed record Erased(
    int Submissions, IReadOnlyDictionary<string, long> DeadLetters, int AuditEntries, string AuditFile, IReadOnlyList<string> Problems, IReadOnlyList<string> Notes);

/// <summary>Removes a person from the store, the ledger, the dead letters and the audit log. It can be run again, and each part by itself is whole.</summary>
internal sealed class Erasure(CommandContext context, Person person, Database store, Database deliveries)
{
    private const long LargestToWriteAnew = 400L << 20; // bytes: some 2 s, and Web says "not now" after 4

    private readonly StoredSubmissions _submissions = new(store);
    private readonly DeadLetterFilter _theirs = DeadLetterFilter.All with { Own = ("of one recipient", person.IsRecipientOf) };

    public async Task<Erased> RunAsync(bool dryRun, IReadOnlyCollection<string> queues, CancellationToken cancellationToken)
    {
        // The store before the queues: what it has not published yet, it then does not publish any more.
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
                if (await RemoveAsync(queue.Name, dryRun, cancellationToken) is > 0 and var count)
                    found.Add(queue.Name, count);
            }
            catch (DeadLetterException e) when (e.Problem is DeadLetterProblem.Locked or DeadLetterProblem.Refused or DeadLetterProblem.Forbidden)
            {
                problems.Add($"{queue.Name}: {e.Message}");
            }
        }
        var entries = await context.Audit.EraseAsync(person.IsRecipientOf, dryRun, cancellationToken);
        if (!dryRun)
        {
            Overwrite(store, "Web's store", problems, notes);
            Overwrite(deliveries, "the ledger", problems, notes);
        }
        return new Erased(ids.Count, found, entries, context.Audit.FilePath, problems, notes);
    }

    // Last: nobody waits for more than what is above, should it be ended here.
    private static void Overwrite(Database database, string what, List<string> problems, List<string> notes)
    {
        if (database.WriteAnew(LargestToWriteAnew) is not { } left)
            return;
        if (left.TryAgain)
            problems.Add($"Copies of what was removed may be left in the SQLite file of {what}, which could not be written anew ({left.Why}): run this once more");
        else
            notes.Add($"Copies of what was removed may be left in the SQLite file of {what}, for {left.Why}, and writers would wait for too long: at a quiet time run VACUUM on it, and then PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private async Task RemoveAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await using var writer = new GroupCommit(deliveries);
        await new DeliveryLedger(deliveries, writer, TimeProvider.System).ForgetAsync(ids, cancellationToken);
        _submissions.Remove(ids);
    }

    private async Task<long> RemoveAsync(string queue, bool dryRun, CancellationToken cancellationToken)
    {
        // A look first: it leaves no entry in the audit log where there is nothing to remove.
        var theirs = (await context.Broker.ListAsync(queue, _theirs, 0, 1, context.By, cancellationToken)).Matching;
        if (theirs == 0 || dryRun)
            return theirs;
        var result = await context.Broker.RemoveAsync(new OperationRequest { Queue = queue, Filter = _theirs, By = context.By }, null, cancellationToken);
        return result.Stopped is { } stopped ? throw new DeadLetterException(DeadLetterProblem.Refused, stopped) : result.Done;
    }
}
