using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>Registers triage and notifications.</summary>
internal static class TriageRegistration
{
    // An hour: its histogram has the narrowest steps, in which bursts are counted.
    private static readonly CatalogueQuery _lastHour = CatalogueQuery.All with { Span = TimeSpan.FromHours(1) };

    /// <summary>Adds triage and notifications. Needs <see cref="CatalogueOptions"/>, <see cref="CatalogueStore"/>, and an <see cref="IAuditLog"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="notifications">Returns the receivers. Called once, at the start.</param>
    public static IServiceCollection AddTriage(this IServiceCollection services, Func<IServiceProvider, NotificationOptions> notifications)
    {
        services.AddSingleton(notifications);
        services.AddSingleton(provider => new TriageStore(
            provider.GetRequiredService<CatalogueOptions>(), Commits(provider), provider.GetRequiredService<IAuditLog>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new NotificationStore(
            provider.GetRequiredService<CatalogueOptions>(), provider.GetRequiredService<NotificationOptions>(), Commits(provider), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new DeliveryQueue(provider.GetRequiredService<CatalogueOptions>(), Commits(provider), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new WebhookClient(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<NotificationSender>();
        services.AddHostedService(provider => provider.GetRequiredService<NotificationSender>());
        return services.AddHostedService(provider => new CauseWatch(
            Look(provider.GetRequiredService<CatalogueStore>().Reader), provider.GetRequiredService<NotificationStore>(), provider.GetRequiredService<NotificationSender>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<CauseWatch>>()));
    }

    /// <summary>A look at a catalogue.</summary>
    public static Func<CancellationToken, Task<CatalogueLook>> Look(CatalogueReader reader) => async cancellationToken =>
    {
        var queues = await reader.QueuesAsync(cancellationToken); // before the board: what is walked by then is on the board
        return new CatalogueLook(await reader.BoardAsync(_lastHour, cancellationToken), queues);
    };

    private static GroupCommit Commits(IServiceProvider provider) => provider.GetRequiredService<CatalogueStore>().Commits;
}
