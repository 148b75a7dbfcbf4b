using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>Where an application keeps its audit log.</summary>
internal static class AuditRegistration
{
    /// <summary>The audit log in the catalogue's database; without a catalogue, in a file.</summary>
    /// <param name="provider">The services of the application.</param>
    /// <param name="path">The file. With a catalogue, its entries are added to the database.</param>
    public static IAuditLog LogOf(IServiceProvider provider, string path) => provider.GetService<AuditDatabase>() is { } database
        ? new CatalogueAuditLog(database.Options, database.Store, provider.GetRequiredService<TimeProvider>(), new AuditFile(path) { OriginalsRetention = database.Options.Retention })
        : new AuditFile(path);
}

/// <summary>The database of an audit log.</summary>
/// <param name="Options">The settings of the catalogue.</param>
/// <param name="Store">Returns the store. Not called before the log is used: the catalogue's database needs the client, which needs the log.</param>
internal sealed record AuditDatabase(CatalogueOptions Options, Func<Task<CatalogueStore>> Store);
