using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

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
        services.AddSingleton(provider => new CatalogueReader(provider.GetRequiredService<CatalogueOptions>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new CatalogueCommits(new GroupCommit(provider.GetRequiredService<CatalogueOptions>().Database)));
        services.AddSingleton(provider => new CatalogueWriter(
            provider.GetRequiredService<CatalogueOptions>(), provider.GetRequiredService<CatalogueCommits>().Commits, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CatalogueDatabase>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogueDatabase>());
        return services;
    }
}

/// <summary>The catalogue's own writer, apart from another database's writer that the application registered. The container disposes it.</summary>
internal sealed class CatalogueCommits(GroupCommit commits) : IAsyncDisposable
{
    public GroupCommit Commits => commits;

    public ValueTask DisposeAsync() => commits.DisposeAsync();
}
