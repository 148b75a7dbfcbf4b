using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>Adds the entries of the audit file to the database when the application starts, and removes the file's outdated original messages.</summary>
/// <param name="audit">The audit log; null if the application has one of its own.</param>
/// <param name="catalogue">The catalogue.</param>
/// <param name="options">The settings of the catalogue.</param>
/// <param name="time">The clock.</param>
/// <param name="log">The application's log.</param>
internal sealed partial class AuditFileService(
    CatalogueAuditLog? audit, CatalogueDatabase catalogue, CatalogueOptions options, TimeProvider time, ILogger<AuditFileService> log) : BackgroundService
{
    private static readonly TimeSpan _pause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _tidyEvery = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (audit is null)
            return;
        try
        {
            await AddAsync(audit, stoppingToken);
            while (true)
            {
                await audit.File.RemoveOldOriginalsAsync(stoppingToken);
                await Task.Delay(_tidyEvery, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops; the next start goes on.
        }
    }

    private async Task AddAsync(CatalogueAuditLog audit, CancellationToken cancellationToken)
    {
        var store = await catalogue.Store.WaitAsync(cancellationToken);
        for (var failed = false; ; failed = true)
        {
            try
            {
                if (await AuditImport.RunAsync(audit.File, store.Commits, options.Database, time.GetUtcNow(), cancellationToken) is > 0 and var added)
                    LogAdded(added, audit.File.FilePath);
                return;
            }
            catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
            {
                if (!failed)
                    LogNotAdded(audit.File.FilePath, e.Message);
            }
            await Task.Delay(_pause, time, cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} entries of the audit file {File} were added to the audit log in the database. The file is not written any more; keep it as a backup")]
    private partial void LogAdded(int count, string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The entries of the audit file {File} can't be added to the audit log in the database: {Reason}. The next try is in a minute")]
    private partial void LogNotAdded(string file, string reason);
}
