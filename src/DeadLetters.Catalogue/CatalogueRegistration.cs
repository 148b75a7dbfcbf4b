using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>Adds the catalogue of dead letters to an application.</summary>
public static class CatalogueRegistration
{
    /// <summary>
    /// Adds the catalogue: its database, which is migrated when the application starts, and the services that fill and read it. It needs
    /// <c>AddDeadLetters</c>, which sets the broker's address. If the database can't be used, the application starts all the same.
    /// </summary>
    /// <param name="services">The service collection.</param>
    /// <param name="options">Returns the settings. Called once.</param>
    /// <param name="notifications">Returns which messages about causes are sent, and where to. Called once; null: none are sent.</param>
    public static IServiceCollection AddDeadLetterCatalogue(
        this IServiceCollection services, Func<IServiceProvider, CatalogueOptions> options, Func<IServiceProvider, NotificationOptions>? notifications = null)
    {
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<CatalogueDatabase>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogueDatabase>());
        services.AddSingleton(provider => provider.GetRequiredService<CatalogueDatabase>().Parts);
        services.AddSingleton(provider => new AuditDatabase(provider.GetRequiredService<CatalogueOptions>(), () => provider.GetRequiredService<CatalogueDatabase>().Store));
        services.AddHostedService(provider => new AuditFileService(
            provider.GetService<IAuditLog>() as CatalogueAuditLog, provider.GetRequiredService<CatalogueDatabase>(), provider.GetRequiredService<CatalogueOptions>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<AuditFileService>>()));
        services.AddSingleton(provider => new OperationLog(
            provider.GetRequiredService<CatalogueOptions>().Database, provider.GetRequiredService<CatalogueStore>().Commits, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new PauseLog(
            provider.GetRequiredService<CatalogueOptions>().Database, provider.GetRequiredService<CatalogueStore>().Commits, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new PauseRequests(
            provider.GetRequiredService<CatalogueOptions>().Database, provider.GetRequiredService<CatalogueStore>().Commits, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new TokenStore(
            provider.GetRequiredService<CatalogueOptions>().Database, provider.GetRequiredService<CatalogueStore>().Commits, provider.GetRequiredService<TimeProvider>()));
        return services.AddTriage(
            provider => provider.GetRequiredService<CatalogueDatabase>().Store, notifications ?? (_ => new NotificationOptions()), provider => provider.GetRequiredService<CatalogueDatabase>().HasLooked);
    }
}
