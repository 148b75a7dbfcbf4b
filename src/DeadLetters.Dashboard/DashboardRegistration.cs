using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Dashboard.Api;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>Adds the dead-letter pages to an application.</summary>
public static class DashboardRegistration
{
    /// <summary>Adds a <see cref="DeadLetterClient"/> and the services of the pages. They use the application's <see cref="IReplayAdvisor"/> if one is registered.</summary>
    /// <param name="services">The service collection.</param>
    /// <param name="broker">Returns the broker's address and user. Called once.</param>
    /// <param name="auditFile">
    /// Returns the path of the audit log. With a catalogue, the audit log is in its database, and the entries of this file are added to it when the
    /// application starts. Called once; not called if the application registers its own <see cref="IAuditLog"/>.
    /// </param>
    /// <exception cref="InvalidOperationException">It was called before.</exception>
    public static IServiceCollection AddDeadLetters(
        this IServiceCollection services, Func<IServiceProvider, DeadLetterOptions> broker, Func<IServiceProvider, string>? auditFile = null)
    {
        if (services.Any(service => service.ServiceType == typeof(OperationRunner)))
            throw new InvalidOperationException("AddDeadLetters was called twice. Add another virtual host or broker with services.AddDeadLetterSource(name, …)");
        services.AddSingleton(broker);
        services.TryAddSingleton<IAuditLog>(provider => AuditRegistration.LogOf(provider, auditFile?.Invoke(provider) ?? "dead-letters-audit.jsonl"));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(SourceRegistration.Connect);
        services.AddSingleton(provider => provider.GetRequiredService<DeadLetterSources>().Default.Client);
        services.AddSingleton(provider => new OperationRunner(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<OperationRunner>>(),
            provider.GetService<OperationLog>() is { } operations ? new OperationSharing(operations, provider.GetRequiredService<PauseLog>(), provider.GetRequiredService<PauseRequests>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<OperationSharing>>()) : null));
        services.AddHostedService(provider => provider.GetRequiredService<OperationRunner>());
        services.AddHostedService(provider => new SetupReport(
            provider.GetRequiredService<DeadLetterSources>, () => provider.GetService<CatalogueDatabase>() is not null, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IHostApplicationLifetime>(), provider.GetRequiredService<ILogger<SetupReport>>()));
        services.AddSingleton<BoardEvents>();
        services.AddSingleton<TokenLimits>();
        services.AddSingleton<IdempotentAnswers>();
        services.AddRazorComponents();
        services.AddAntiforgery();
        services.AddAuthorization();
        services.AddDataProtection();
        return services;
    }

    /// <summary>Like the other overload, for a broker whose management API is on the same host, at port 15672, or 15671 with TLS.</summary>
    /// <param name="services">The service collection.</param>
    /// <param name="connection"><c>amqp://user:password@host:5672/vhost</c>; <c>amqps</c> for TLS; separate the hosts of a cluster by commas.</param>
    /// <exception cref="FormatException">The connection string is invalid; the message shows the required form and contains no password.</exception>
    public static IServiceCollection AddDeadLetters(this IServiceCollection services, string connection)
    {
        var broker = DeadLetterOptions.Parse(connection);
        return services.AddDeadLetters(_ => broker);
    }

    /// <summary>
    /// Adds a source: another virtual host, of the same broker or another one. The pages show it beside the one of <c>AddDeadLetters</c>, and act
    /// on both. All sources share the policies, the audit log, the catalogue and the <see cref="IReplayAdvisor"/>.
    /// </summary>
    /// <param name="services">The service collection.</param>
    /// <param name="name">
    /// The name on the pages, in their addresses, and in the audit log: letters, digits, hyphens, underscores and dots. With a catalogue, it must stay
    /// the same.
    /// </param>
    /// <param name="broker">Returns the broker's address and user. Called once.</param>
    /// <exception cref="FormatException">The name is not allowed. A name that is given twice, and a virtual host that is added twice, stop <c>MapDeadLetters</c>.</exception>
    public static IServiceCollection AddDeadLetterSource(this IServiceCollection services, string name, Func<IServiceProvider, DeadLetterOptions> broker)
    {
        DeadLetterSources.CheckName(name);
        return services.AddSingleton(new SourceRegistration(name, broker));
    }

    /// <summary>Maps the pages, and the HTTP API below them. Both require the two policies and are never mapped without them.</summary>
    /// <param name="routes">The application's endpoint routes.</param>
    /// <param name="path">The mount path, such as <c>/dead-letters</c>.</param>
    /// <param name="viewPolicy">The name of the authorization policy for viewing.</param>
    /// <param name="operatePolicy">The name of the authorization policy for replay, edit, discard and restore.</param>
    /// <returns>A builder for further conventions on all endpoints.</returns>
    /// <exception cref="InvalidOperationException">As of the other overload.</exception>
    public static IEndpointConventionBuilder MapDeadLetters(this IEndpointRouteBuilder routes, string path, string viewPolicy, string operatePolicy) =>
        routes.MapDeadLetters(path, options => (options.ViewPolicy, options.OperatePolicy) = (viewPolicy, operatePolicy));

    /// <summary>Maps the pages, and the HTTP API below them. Both require the two policies and are never mapped without them.</summary>
    /// <param name="routes">The application's endpoint routes.</param>
    /// <param name="path">The mount path, such as <c>/dead-letters</c>.</param>
    /// <param name="configure">Sets the options. It must name the two policies.</param>
    /// <returns>A builder for further conventions on all endpoints.</returns>
    /// <exception cref="InvalidOperationException">
    /// An option is invalid, two sources have the same name or are the same virtual host, a policy is not named or does not exist, the application has no authentication scheme to sign in with, or
    /// <c>AddDeadLetters</c> was not called.
    /// </exception>
    public static IEndpointConventionBuilder MapDeadLetters(this IEndpointRouteBuilder routes, string path, Action<DashboardOptions> configure)
    {
        var options = new DashboardOptions();
        configure(options);
        options.Validate();
        if (routes.ServiceProvider.GetService<OperationRunner>() is null)
            throw new InvalidOperationException("MapDeadLetters needs services.AddDeadLetters(…), which sets the broker's address");
        _ = routes.ServiceProvider.GetRequiredService<DeadLetterSources>(); // checks their names now, not at the first request
        SchemeCheck.Check(routes.ServiceProvider, options);
        var all = routes.MapGroup(path);
        new DashboardRoutes(all.MapGroup("").RequireAuthorization(options.ViewPolicy), options).Map();
        ApiRoutes.Map(all, options);
        return all;
    }
}
