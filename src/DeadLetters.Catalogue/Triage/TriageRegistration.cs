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

    /// <summary>Adds triage and notifications. Needs the services of the catalogue, and an <see cref="IAuditLog"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="notifications">Returns the receivers. Called once, at the start.</param>
    public static IServiceCollection AddTriage(this IServiceCollection services, Func<IServiceProvider, NotificationOptions> notifications)
    {
        services.AddSingleton(notifications);
        services.AddSingleton<TriageStore>();
        services.AddSingleton<NotificationStore>();
        services.AddSingleton<DeliveryQueue>();
        services.AddSingleton(provider => new WebhookClient(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<NotificationSender>();
        services.AddHostedService(provider => provider.GetRequiredService<NotificationSender>());
        return services.AddHostedService(provider => new CauseWatch(
            Look(provider.GetRequiredService<CatalogueReader>()), provider.GetRequiredService<NotificationStore>(), provider.GetRequiredService<NotificationSender>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<CauseWatch>>()));
    }

    /// <summary>A look at a catalogue.</summary>
    public static Func<CancellationToken, Task<CatalogueLook>> Look(CatalogueReader reader) => async cancellationToken =>
    {
        var queues = await reader.QueuesAsync(cancellationToken); // before the board: what is walked by then is on the board
        return new CatalogueLook(await reader.BoardAsync(_lastHour, cancellationToken), queues);
    };
}
