using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using WorkinIt.Storage;

namespace WorkinIt.Deliveries;

/// <summary>Registers the ledger and the suppression list.</summary>
public static class DeliveryRegistration
{
    /// <summary>Adds the ledger in <c>ConnectionStrings__Deliveries</c>, and its health check.</summary>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddDeliveryLedger(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var database = provider.GetRequiredService<IConfiguration>().GetDatabase("Deliveries");
            return new DeliveryLedger(database, new GroupCommit(database), provider.GetRequiredService<TimeProvider>());
        });
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            "deliveries",
            provider => new DatabaseHealthCheck(
                provider.GetRequiredService<IConfiguration>().GetDatabase("Deliveries"), "deliveries", provider.GetRequiredService<DeliveryLedger>().ProbeAsync),
            HealthStatus.Unhealthy, ["ready"]));
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            "opt-outs",
            provider => new DatabaseHealthCheck(provider.GetRequiredService<IConfiguration>().GetDatabase("Deliveries"), "opt_outs"),
            HealthStatus.Unhealthy, ["ready"]));
        return services;
    }

    /// <summary>Adds the suppression list, which is in the ledger's database, and the tokens for unsubscribe links (<c>OptOut__Secret</c>).</summary>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddOptOuts(this IServiceCollection services)
    {
        services.AddOptions<OptOutOptions>().BindConfiguration("OptOut").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<OptOutTokens>();
        return services.AddSingleton(provider => new SuppressionList(
            provider.GetRequiredService<IConfiguration>().GetDatabase("Deliveries"), provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Migrates the tables of the ledger and of the suppression list.</summary>
    /// <param name="configuration">The settings.</param>
    public static void MigrateDeliveries(this IConfiguration configuration) =>
        DatabaseSchema.Migrate(configuration.GetDatabase("Deliveries"), typeof(CreateDeliveries).Assembly);
}
