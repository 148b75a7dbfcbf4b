using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WorkinIt.Messaging;

internal sealed class RabbitMqHealthCheck(RabbitMqProbe broker, UsedTopology topology, TopologyProblems trouble) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!await broker.IsUpAsync(cancellationToken))
            return HealthCheckResult.Unhealthy(broker.Problem ?? "RabbitMQ is unreachable: check ConnectionStrings__RabbitMq and the broker");
        var missing = await broker.MissingAsync(topology, cancellationToken);
        return missing is null ? HealthCheckResult.Unhealthy("The connection to RabbitMQ was lost during the check")
            : missing.Count > 0 ? HealthCheckResult.Unhealthy($"Missing on RabbitMQ: {string.Join(", ", missing)}. To restore: {TopologyProblems.Remedy}")
            : trouble.Problems is { Count: > 0 } problems ? HealthCheckResult.Unhealthy(string.Join(" ", problems))
            : HealthCheckResult.Healthy();
    }
}
