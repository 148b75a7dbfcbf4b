using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Knows whether the broker can be reached now, by a connection of its own. A bus that only publishes calls itself healthy for a
/// while after the broker died.
/// </summary>
/// <param name="client">Opens the connection.</param>
public sealed class RabbitMqProbe(RabbitMqClient client) : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);
    private readonly SemaphoreSlim _one = new(1, 1);
    private volatile IConnection? _connection;
    private volatile string? _certificateProblem;

    /// <summary>Whether the connection stands; asks nobody.</summary>
    public bool IsOpen => _connection is { IsOpen: true };

    /// <summary>What was wrong with the broker's certificate, when that kept the last attempt from connecting.</summary>
    public string? CertificateProblem => _certificateProblem;

    /// <summary>Whether the connection stands, or a new one could be made within three seconds.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<bool> IsUpAsync(CancellationToken cancellationToken)
    {
        if (IsOpen)
            return true;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_patience);
        try
        {
            await _one.WaitAsync(deadline.Token);
            try
            {
                if (IsOpen)
                    return true;
                if (_connection is { } old)
                    await old.DisposeAsync();
                _connection = null;
                _connection = await client.OpenAsync("probe", deadline.Token);
                _certificateProblem = null;
                return true;
            }
            finally
            {
                _one.Release();
            }
        }
        catch (Exception e) when (e is BrokerUnreachableException or OperationCanceledException or IOException or RabbitMQClientException)
        {
            cancellationToken.ThrowIfCancellationRequested(); // the broker's failure in the very moment of the end would pass for a crash
            _certificateProblem = ServerCertificate.ProblemIn(e);
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection)
            await connection.DisposeAsync();
        _one.Dispose();
    }
}
