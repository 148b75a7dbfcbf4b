using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>A source that an application adds to the one of <c>AddDeadLetters</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Broker">Returns the broker's address and user.</param>
internal sealed record SourceRegistration(string Name, Func<IServiceProvider, DeadLetterOptions> Broker)
{
    /// <summary>Connects all sources of an application.</summary>
    /// <exception cref="InvalidOperationException">Two sources have the same name, or are the same virtual host.</exception>
    public static DeadLetterSources Connect(IServiceProvider provider)
    {
        var (audit, advisor, time) = (provider.GetRequiredService<IAuditLog>(), provider.GetService<IReplayAdvisor>(), provider.GetRequiredService<TimeProvider>());
        return new DeadLetterSources(
            provider.GetRequiredService<DeadLetterOptions>(), provider.GetService<CatalogueOptions>()?.Source,
            provider.GetServices<SourceRegistration>().Select(source => (source.Name, source.Broker(provider))),
            options => new DeadLetterClient(options, audit, advisor, time));
    }
}
