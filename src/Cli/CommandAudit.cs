using System.Globalization;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.Cli;

/// <summary>
/// The audit log of a command: in the catalogue's database, where the pages of all instances show it, or, without a catalogue, in a file. The database is
/// opened when it is needed, because most commands that only look do not.
/// </summary>
internal sealed class CommandAudit : IAsyncDisposable
{
    /// <summary>The setting that names the catalogue's database.</summary>
    public const string Setting = "ConnectionStrings__Catalogue";

    private static readonly TimeSpan _longestOpen = TimeSpan.FromMinutes(5); // the tables may have to be created, and entries of a large file be added

    private readonly Database? _database;
    private readonly CatalogueAuditLog? _catalogue;
    private readonly Lock _turn = new();
    private Task<CatalogueStore>? _store;

    /// <param name="path">The audit file. With a catalogue, its entries are added to the database.</param>
    /// <param name="database">The catalogue's database; null without a catalogue.</param>
    public CommandAudit(string path, Database? database)
    {
        File = new AuditFile(path);
        if (database is not null)
            (_database, _catalogue) = (database, new CatalogueAuditLog(new CatalogueOptions { Database = database }, OpenAsync, TimeProvider.System, File) { LongestOpen = _longestOpen });
    }

    /// <summary>The audit file. With a catalogue, it is from before the catalogue, and may not exist.</summary>
    public AuditFile File { get; }

    public IAuditLog Log => (IAuditLog?)_catalogue ?? File;

    /// <summary>The operations of all instances; null without a catalogue.</summary>
    /// <exception cref="CatalogueUnavailableException">The database can't be used.</exception>
    public async Task<OperationLog?> OperationsAsync() => _database is null ? null
        : new OperationLog(_database, (await OpenAsync()).Commits, TimeProvider.System)
        {
            RunsOn = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName} (workinit, process {Environment.ProcessId})"),
        };

    /// <summary>Where the original messages of a repair are, for an operator.</summary>
    public string PlaceOfOriginals(string operation) => _catalogue is null ? File.OriginalsOf(operation) : $"workinit dead-letters audit --originals {operation}";

    /// <summary>The original messages of a repair, one JSON object per line, unmasked.</summary>
    public IAsyncEnumerable<string> OriginalLinesAsync(string operation, CancellationToken cancellationToken) =>
        _catalogue?.OriginalLinesAsync(operation, cancellationToken) ?? File.OriginalLinesAsync(operation, cancellationToken);

    /// <summary>Opens the database, and creates its tables if no instance has done so. Does nothing without a catalogue.</summary>
    /// <exception cref="CatalogueUnavailableException">The database can't be used.</exception>
    public Task PrepareAsync() => _database is null ? Task.CompletedTask : OpenAsync();

    public async ValueTask DisposeAsync()
    {
        if (_store is { IsCompletedSuccessfully: true } opened)
            await (await opened).DisposeAsync();
    }

    private Task<CatalogueStore> OpenAsync()
    {
        lock (_turn)
            return _store is null or { IsFaulted: true } ? _store = Task.Run(() => OpenAsync(_database!)) : _store;
    }

    private async Task<CatalogueStore> OpenAsync(Database database)
    {
        var store = new CatalogueStore(new CatalogueOptions { Database = database }, TimeProvider.System);
        try
        {
            if (DatabaseSchema.Check(database, "catalogue_audit") is not null)
            {
                store.Migrate();
                await Terminal.ErrorAsync($"The database of {Setting} had no audit log: its tables were created.");
            }
            await ImportAsync(store, database);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private async Task ImportAsync(CatalogueStore store, Database database)
    {
        try
        {
            await AuditImport.RunAsync(File, store.Commits, database, DateTimeOffset.UtcNow, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Terminal.ErrorAsync($"The entries of the audit file {File.FilePath} can't be added to the audit log in the database: {e.Message}");
        }
    }
}
