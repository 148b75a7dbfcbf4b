using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary>What an erasure removed, or would remove.</summary>
/// <param name="Submissions">Rows of the store.</param>
/// <param name="DeadLetters">How many, by queue; without those that held none.</param>
/// <param name="AuditEntries">Entries whose contents were taken out.</param>
/// <param name="AuditFile">Where these are.</param>
/// <param name="Problems">What could not be done, and why.</param>
internal sealed record Erased(int Submissions, IReadOnlyDictionary<string, long> DeadLetters, int AuditEntries, string AuditFile, IReadOnlyList<string> Problems);

/// <summary>Removes a person from the store, the ledger, the dead letters and the audit log. It can be run again, and each part by itself is whole.</summary>
internal sealed class Erasure(Desk desk, Person person, StoredSubmissions submissions, Database deliveries)
{
    private readonly DeadLetterFilter _theirs = DeadLetterFilter.All with { Own = ("of one recipient", person.IsRecipientOf) };

    public async Task<Erased> RunAsync(bool dryRun, IReadOnlyCollection<string> queues, CancellationToken cancellationToken)
    {
        // The store before the queues: what it has not published yet, it then does not publish any more.
        var ids = submissions.Find(person);
        var (found, problems) = (new SortedDictionary<string, long>(StringComparer.Ordinal), new List<string>());
        if (!dryRun && await RemoveAsync(ids, cancellationToken) is { } copiesLeft)
            problems.Add(copiesLeft);
        foreach (var queue in await desk.Broker.FindQueuesAsync(cancellationToken))
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
        var entries = await desk.Audit.EraseAsync(person.IsRecipientOf, dryRun, cancellationToken);
        return new Erased(ids.Count, found, entries, desk.Audit.FilePath, problems);
    }

    private async Task<string?> RemoveAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await using var writer = new GroupCommit(deliveries);
        await new DeliveryLedger(deliveries, writer, TimeProvider.System).ForgetAsync(ids, cancellationToken);
        return submissions.Remove(ids);
    }

    private async Task<long> RemoveAsync(string queue, bool dryRun, CancellationToken cancellationToken)
    {
        // A look first: it leaves no entry in the audit log where there is nothing to remove.
        var theirs = (await desk.Broker.ListAsync(queue, _theirs, 0, 1, desk.By, cancellationToken)).Matching;
        if (theirs == 0 || dryRun)
            return theirs;
        var result = await desk.Broker.RemoveAsync(new OperationRequest { Queue = queue, Filter = _theirs, By = desk.By }, null, cancellationToken);
        return result.Stopped is { } stopped ? throw new DeadLetterException(DeadLetterProblem.Refused, stopped) : result.Done;
    }
}
