using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Whether the broker can be reached now. A bus that only publishes calls itself healthy for a while after the broker died, so
/// this one keeps a connection of its own and asks that.
/// </summary>
internal sealed class RabbitMqHealthCheck(RabbitMqClient client) : IHealthCheck, IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);
    private readonly SemaphoreSlim _one = new(1, 1);
    private IConnection? _connection;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_patience);
        try
        {
            await _one.WaitAsync(deadline.Token);
            try
            {
                if (_connection is { IsOpen: true })
                    return HealthCheckResult.Healthy();
                if (_connection is not null)
                    await _connection.DisposeAsync();
                _connection = null;
                _connection = await client.OpenAsync("health", deadline.Token);
                return HealthCheckResult.Healthy();
            }
            finally
            {
                _one.Release();
            }
        }
        catch (Exception e) when (e is BrokerUnreachableException or OperationCanceledException or IOException or RabbitMQClientException)
        {
            return HealthCheckResult.Unhealthy("RabbitMQ is out of reach: check ConnectionStrings__RabbitMq and the broker");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
        _one.Dispose();
    }
}
