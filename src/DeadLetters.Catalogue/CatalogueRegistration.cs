using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

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
    public static IServiceCollection AddDeadLetterCatalogue(this IServiceCollection services, Func<IServiceProvider, CatalogueOptions> options)
    {
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<CatalogueDatabase>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogueDatabase>());
        return services;
    }
}
