using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WorkinIt.Messaging;

internal sealed class RabbitMqHealthCheck(RabbitMqProbe broker) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await broker.IsUpAsync(cancellationToken)
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy(broker.CertificateProblem ?? "RabbitMQ is out of reach: check ConnectionStrings__RabbitMq and the broker");
}
