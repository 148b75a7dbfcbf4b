using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>Puts the pages into an application.</summary>
public static class DashboardRegistration
{
    /// <summary>Adds a <see cref="DeadLetterClient"/> and what the pages stand on. An <see cref="IReplayAdvisor"/> of the application is used where one is registered.</summary>
    /// <param name="services">The services.</param>
    /// <param name="broker">Gives the broker's address and user, once.</param>
    /// <param name="auditFile">Gives the path of the audit log, once; not asked where the application registers an <see cref="IAuditLog"/> of its own.</param>
    public static IServiceCollection AddDeadLetters(
        this IServiceCollection services, Func<IServiceProvider, DeadLetterOptions> broker, Func<IServiceProvider, string>? auditFile = null)
    {
        services.AddSingleton(broker);
        services.TryAddSingleton<IAuditLog>(provider => new AuditFile(auditFile?.Invoke(provider) ?? "dead-letters-audit.jsonl"));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new DeadLetterClient(
            provider.GetRequiredService<DeadLetterOptions>(), provider.GetRequiredService<IAuditLog>(),
            provider.GetService<IReplayAdvisor>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<OperationRunner>();
        services.AddHostedService(provider => provider.GetRequiredService<OperationRunner>());
        services.AddRazorComponents();
        services.AddAntiforgery();
        services.AddAuthorization();
        services.AddDataProtection();
        return services;
    }

    /// <summary>Maps the pages. Closed to all but those that the policies let in, and never mapped without them.</summary>
    /// <param name="routes">The application.</param>
    /// <param name="path">Where, as in <c>/dead-letters</c>.</param>
    /// <param name="configure">Names the policies.</param>
    /// <returns>For further conventions on all of the endpoints.</returns>
    /// <exception cref="InvalidOperationException">
    /// A policy is not named or does not exist, nobody could sign in because there is no authentication scheme, or <see cref="AddDeadLetters"/> was not called.
    /// </exception>
    public static IEndpointConventionBuilder MapDeadLetters(this IEndpointRouteBuilder routes, string path, Action<DashboardOptions> configure)
    {
        var options = new DashboardOptions();
        configure(options);
        options.Validate();
        if (routes.ServiceProvider.GetService<OperationRunner>() is null)
            throw new InvalidOperationException("MapDeadLetters needs services.AddDeadLetters(…), which tells where the broker is");
        SchemeCheck.Check(routes.ServiceProvider, options);
        return new DashboardRoutes(routes.MapGroup(path).RequireAuthorization(options.LookPolicy), options).Map();
    }
}
