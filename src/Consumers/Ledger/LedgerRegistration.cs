using Microsoft.Extensions.Diagnostics.HealthChecks;
using WorkinIt.Deliveries;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.Ledger;

internal static class LedgerRegistration
{
    /// <summary>Adds the ledger, and the service that compares it with its mark.</summary>
    public static IServiceCollection AddGuardedLedger(this IServiceCollection services)
    {
        services.AddDeliveryLedger();
        services.AddSingleton<ILedgerMarkCopy, LedgerMarkQueue>();
        services.AddSingleton<LedgerGuard>();
        services.AddSingleton<LedgerFilter>();
        services.AddHostedService(provider => provider.GetRequiredService<LedgerGuard>());
        services.AddHealthChecks().AddCheck<LedgerHealthCheck>("ledger mark", HealthStatus.Unhealthy, ["ready"]);
        return services;
    }

    /// <summary>Adds the services that <c>--accept-ledger</c> needs.</summary>
    public static IServiceCollection AddLedgerAcceptance(this IServiceCollection services)
    {
        services.AddRabbitMq();
        services.AddSingleton(TimeProvider.System);
        return services.AddDeliveryLedger().AddSingleton<ILedgerMarkCopy, LedgerMarkQueue>();
    }

    private sealed class LedgerHealthCheck(LedgerGuard guard) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(guard.Problem is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy());
    }
}
