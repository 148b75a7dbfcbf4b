using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Replays;

/// <summary>A message of the queue of the reports. Neither a report nor a notice if it is of foreign origin.</summary>
/// <param name="Tag">The delivery tag.</param>
/// <param name="Report">The report.</param>
/// <param name="Notice">The notice of a replay.</param>
internal readonly record struct ReportDelivery(ulong Tag, ReplayReport? Report, ReplayNotice? Notice);

/// <summary>Writes reports and notices of replays to the catalogue, and deletes old ones. After a failure, each method can be called again.</summary>
internal sealed class ReplayWriter(CatalogueOptions options, GroupCommit commits, TimeProvider time)
{
    /// <summary>How many reports are kept of which no notice has named the message: so many may come before their notice, and forged ones are not kept without end.</summary>
    internal const long MostUnclaimed = 100_000;

    private const int DeletedAtOnce = 1000;
    private static readonly TimeSpan _noticeFollows = TimeSpan.FromHours(1);

    private long? _unclaimed;

    /// <summary>Writes some deliveries in one transaction.</summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="deliveries">The deliveries.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task WriteAsync(string source, IReadOnlyList<ReportDelivery> deliveries, CancellationToken cancellationToken)
    {
        var known = _unclaimed;
        _unclaimed = await commits.WriteAsync(statements =>
        {
            var unclaimed = known ?? Unclaimed(statements);
            var writing = new ReplayWriting(statements, Now);
            foreach (var (_, report, notice) in deliveries)
            {
                if (report is not null && ReportReader.TryParseId(report.ReplayId, out var operation, out var number) && writing.Add(operation, number, report, adds: unclaimed < MostUnclaimed))
                    unclaimed++;
                foreach (var item in notice?.Messages ?? [])
                    writing.Add(source, notice!, item);
            }
            return unclaimed;
        }, cancellationToken, CatalogueWriter.Exclusive);
    }

    /// <summary>Deletes what is older than <see cref="CatalogueOptions.Retention"/>, and reports of which no notice has named the message.</summary>
    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        var (old, late) = ((time.GetUtcNow() - options.Retention).ToUnixTimeMilliseconds(), (time.GetUtcNow() - _noticeFollows).ToUnixTimeMilliseconds());
        while (await commits.WriteAsync(statements => Delete(statements, "first_at < @before", old) + Delete(statements, "letter_hash IS NULL AND first_at < @before", late), cancellationToken, CatalogueWriter.Exclusive) >= DeletedAtOnce)
        {
            // The next thousand.
        }
        _unclaimed = null;
    }

    private static int Delete(Statements statements, string which, long before) => statements.Execute(
        $"DELETE FROM catalogue_replays WHERE id IN (SELECT id FROM catalogue_replays WHERE {which} ORDER BY first_at LIMIT 1000)", ("before", before));

    private static long Unclaimed(Statements statements) => statements.Scalar<long>("SELECT count(*) FROM catalogue_replays WHERE letter_hash IS NULL");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();
}
