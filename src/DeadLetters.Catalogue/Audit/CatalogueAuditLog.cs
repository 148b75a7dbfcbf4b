using System.Collections.Concurrent;
using System.Data.Common;
using System.Runtime.CompilerServices;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>
/// The audit log in the catalogue's database, which all instances and the command share. What a method wrote is on the database's disk when it
/// returns. Nothing removes entries. The host that feeds the catalogue removes original messages of repairs after <see cref="CatalogueOptions.Retention"/>.
/// </summary>
/// <param name="options">The settings of the catalogue.</param>
/// <param name="store">Returns the store as soon as its tables exist. Called at each use.</param>
/// <param name="time">The clock.</param>
/// <param name="file">The audit file of the time before the catalogue; its entries are added to the database.</param>
internal sealed class CatalogueAuditLog(CatalogueOptions options, Func<Task<CatalogueStore>> store, TimeProvider time, AuditFile file) : IAuditLog
{
    private static readonly TimeSpan _endPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, bool> _begun = [];

    /// <summary>The audit file of the time before the catalogue.</summary>
    public AuditFile File => file;

    /// <summary>How long a use of the log waits for the store. A page must not hang while the database is away.</summary>
    public TimeSpan LongestOpen { get; init; } = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    /// <exception cref="CatalogueUnavailableException">It was not written, or the connection broke before that was known; the message says what to do.</exception>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        // An operation does not begin without its entry. At its end, the messages have moved: only then is it worth to wait for a database that is away.
        var isEnd = entry.EndedAt is not null && _begun.TryRemove(entry.Id, out _);
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                await CommitAsync(statements => AuditRows.Save(statements, entry), cancellationToken);
                break;
            }
            catch (CatalogueUnavailableException) when (isEnd && time.GetElapsedTime(start) < _endPatience)
            {
                await Task.Delay(_pause, time, cancellationToken);
            }
        }
        if (entry.EndedAt is null)
            _begun[entry.Id] = true;
    }

    /// <inheritdoc/>
    /// <exception cref="CatalogueUnavailableException">The database can't be read; the message says what to do.</exception>
    public Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken) =>
        ReadAsync(statements => AuditRows.Read(statements, queue, null, limit), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="CatalogueUnavailableException">The database can't be read; the message says what to do.</exception>
    public Task<IReadOnlyList<AuditEntry>> ReadBeforeAsync(string? queue, string before, int limit, CancellationToken cancellationToken) =>
        ReadAsync(statements => AuditRows.Read(statements, queue, before, limit), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="CatalogueUnavailableException">The database can't be read; the message says what to do.</exception>
    public Task<AuditEntry?> FindAsync(string id, CancellationToken cancellationToken) => ReadAsync(statements => AuditRows.Find(statements, id), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="CatalogueUnavailableException">They were not kept; the message says what to do.</exception>
    public async Task KeepOriginalsAsync(string operation, IReadOnlyList<OriginalMessage> originals, CancellationToken cancellationToken)
    {
        var rows = await Task.Run(() => AuditOriginals.Rows(originals), cancellationToken);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await CommitAsync(statements => AuditOriginals.Save(statements, operation, rows, now), cancellationToken);
    }

    /// <summary>The original messages of a repair, one JSON object per line, unmasked: those in the database, and those in files from before.</summary>
    /// <exception cref="CatalogueUnavailableException">The database can't be read; the message says what to do.</exception>
    public async IAsyncEnumerable<string> OriginalLinesAsync(string operation, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long after = 0; await ReadAsync(statements => AuditOriginals.Next(statements, operation, after), cancellationToken) is { } row; after = row.Id)
        {
            foreach (var line in row.Lines)
                yield return line;
        }
        await foreach (var line in file.OriginalLinesAsync(operation, cancellationToken))
            yield return line;
    }

    private Task<int> CommitAsync(Func<Statements, int> change, CancellationToken cancellationToken) =>
        ExplainAsync(async () => await (await OpenAsync(cancellationToken)).Commits.WriteAsync(change, cancellationToken));

    private Task<T> ReadAsync<T>(Func<Statements, T> read, CancellationToken cancellationToken) => ExplainAsync(async () =>
    {
        await OpenAsync(cancellationToken);
        return await Task.Run(() => options.Database.Read(read), cancellationToken); // the drivers of the databases block
    });

    private Task<CatalogueStore> OpenAsync(CancellationToken cancellationToken) => store().WaitAsync(LongestOpen, time, cancellationToken);

    private async Task<T> ExplainAsync<T>(Func<Task<T>> use)
    {
        try
        {
            return await use();
        }
        catch (DbException e)
        {
            throw new CatalogueUnavailableException(CatalogueStore.Explain(options.Database, e), e);
        }
        catch (TimeoutException e)
        {
            throw new CatalogueUnavailableException("The database of the catalogue of dead letters, which holds the audit log, is not ready. The log of this application says why", e);
        }
    }
}
