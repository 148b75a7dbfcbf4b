using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>Adds the dead-letter pages to an application.</summary>
public static class DashboardRegistration
{
    /// <summary>Adds a <see cref="DeadLetterClient"/> and the services of the pages. They use the application's <see cref="IReplayAdvisor"/> if one is registered.</summary>
    /// <param name="services">The service collection.</param>
    /// <param name="broker">Returns the broker's address and user. Called once.</param>
    /// <param name="auditFile">Returns the path of the audit log. Called once; not called if the application registers its own <see cref="IAuditLog"/>.</param>
    public static IServiceCollection AddDeadLetters(
        this IServiceCollection services, Func<IServiceProvider, DeadLetterOptions> broker, Func<IServiceProvider, string>? auditFile = null)
    {
        services.AddSingleton(broker);
        services.TryAddSingleton<IAuditLog>(provider => new AuditFile(auditFile?.Invoke(provider) ?? "dead-letters-audit.jsonl"));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new DeadLetterClient(
            provider.GetRequiredService<DeadLetterOptions>(), provider.GetRequiredService<IAuditLog>(),
            provider.GetService<IReplayAdvisor>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new OperationRunner(
            provider.GetRequiredService<DeadLetterClient>(), provider.GetRequiredService<DeadLetterOptions>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<OperationRunner>>(),
            provider.GetService<OperationLog>() is { } operations ? new OperationSharing(operations, provider.GetRequiredService<PauseLog>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<OperationSharing>>()) : null));
        services.AddHostedService(provider => provider.GetRequiredService<OperationRunner>());
        services.AddSingleton<BoardEvents>();
        services.AddRazorComponents();
        services.AddAntiforgery();
        services.AddAuthorization();
        services.AddDataProtection();
        return services;
    }

    /// <summary>Maps the pages. They require the two policies and are never mapped without them.</summary>
    /// <param name="routes">The application's endpoint routes.</param>
    /// <param name="path">The mount path, such as <c>/dead-letters</c>.</param>
    /// <param name="configure">Sets the options. It must name the two policies.</param>
    /// <returns>A builder for further conventions on all endpoints.</returns>
    /// <exception cref="InvalidOperationException">
    /// An option is invalid, a policy is not named or does not exist, the application has no authentication scheme to sign in with, or
    /// <see cref="AddDeadLetters"/> was not called.
    /// </exception>
    public static IEndpointConventionBuilder MapDeadLetters(this IEndpointRouteBuilder routes, string path, Action<DashboardOptions> configure)
    {
        var options = new DashboardOptions();
        configure(options);
        options.Validate();
        if (routes.ServiceProvider.GetService<OperationRunner>() is null)
            throw new InvalidOperationException("MapDeadLetters needs services.AddDeadLetters(…), which sets the broker's address");
        SchemeCheck.Check(routes.ServiceProvider, options);
        return new DashboardRoutes(routes.MapGroup(path).RequireAuthorization(options.ViewPolicy), options).Map();
    }
}
