using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>Registers triage and notifications.</summary>
internal static class TriageRegistration
{
    // An hour: its histogram has the narrowest steps, in which bursts are counted.
    private static readonly CatalogueQuery _lastHour = CatalogueQuery.All with { Span = TimeSpan.FromHours(1) };

    /// <summary>Adds triage and notifications. Needs <see cref="CatalogueOptions"/> and an <see cref="IAuditLog"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="store">Returns the catalogue's store, when its database is open.</param>
    /// <param name="notifications">Returns the receivers. Called once, at the start.</param>
    /// <param name="hasLooked">Whether the catalogue has compared itself with each broker, or knows why it can't; null: it has.</param>
    public static IServiceCollection AddTriage(
        this IServiceCollection services, Func<IServiceProvider, Task<CatalogueStore>> store, Func<IServiceProvider, NotificationOptions> notifications,
        Func<IServiceProvider, bool>? hasLooked = null)
    {
        services.AddSingleton(notifications);
        services.AddSingleton(provider => new OpenCatalogue(store(provider)));
        services.AddSingleton<TriageStore>();
        services.AddSingleton<NotificationStore>();
        services.AddSingleton<DeliveryQueue>();
        services.AddSingleton(provider => new WebhookClient(provider.GetRequiredService<TimeProvider>(), namesSources: provider.GetService<DeadLetterSources>()?.Count > 1));
        services.AddSingleton(provider => new MailClient(provider.GetRequiredService<NotificationOptions>().MailServer, namesSources: provider.GetService<DeadLetterSources>()?.Count > 1));
        services.AddSingleton<NotificationSender>();
        services.AddHostedService(provider => provider.GetRequiredService<NotificationSender>());
        return services.AddHostedService(provider => new CauseWatch(
            provider.GetRequiredService<OpenCatalogue>(), LookAsync, provider.GetRequiredService<NotificationStore>(), provider.GetRequiredService<NotificationSender>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<CauseWatch>>(), hasLooked is null ? null : () => hasLooked(provider)));
    }

    /// <summary>Looks at a catalogue.</summary>
    public static async Task<CatalogueLook> LookAsync(OpenCatalogue catalogue, CancellationToken cancellationToken)
    {
        var reader = await catalogue.ReaderAsync(cancellationToken);
        var queues = await reader.QueuesAsync(cancellationToken); // before the board: what is walked by then is on the board
        return new CatalogueLook(await reader.BoardAsync(_lastHour, cancellationToken), queues);
    }
}
