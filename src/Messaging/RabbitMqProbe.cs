using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Knows whether the broker takes messages now, by a connection of its own. A bus that only publishes calls itself healthy for a
/// while after the broker died; and RabbitMQ reports an alarm (memory, disk) only to a connection that has published.
/// </summary>
/// <param name="client">Opens the connection.</param>
public sealed class RabbitMqProbe(RabbitMqClient client) : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _one = new(1, 1);
    private volatile Link? _link;
    private volatile string? _problem;

    /// <summary>Whether the connection is open and not blocked by an alarm; asks nobody.</summary>
    public bool IsOpen => _link is { Connection.IsOpen: true, BlockedBecause: null };

    /// <summary>What kept the last attempt from succeeding, where more than silence is known: the certificate, an alarm.</summary>
    public string? Problem => _link?.BlockedBecause is { } reason ? Blocked(reason) : _problem;

    /// <summary>Whether the broker confirmed a message to nobody just now, over an old or a new connection, within three seconds.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<bool> IsUpAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_patience);
        try
        {
            await _one.WaitAsync(deadline.Token);
            try
            {
                var link = await ConnectAsync(deadline.Token);
                _problem = await link.ConfirmsAsync(deadline.Token) ? null : Blocked(link.BlockedBecause);
                return _problem is null;
            }
            finally
            {
                _one.Release();
            }
        }
        catch (Exception e) when (e is BrokerUnreachableException or OperationCanceledException or IOException or RabbitMQClientException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested(); // the broker's failure in the very moment of the end would pass for a crash
            _problem = ServerCertificate.ProblemIn(e) ?? (_link is { Connection.IsOpen: true } ? "RabbitMQ accepts connections but does not confirm: check the broker" : null);
            return false;
        }
    }

    /// <summary>
    /// What does not exist. RabbitMQ 3 says so to everybody; from 4 on it takes a right to configure, write or read a thing of that name, and what
    /// the user has none to is left out.
    /// </summary>
    /// <param name="topology">The queues and exchanges to look for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<IReadOnlyList<string>> MissingAsync(UsedTopology topology, CancellationToken cancellationToken)
    {
        if (_link is not { } link)
            return [];
        var missing = new List<string>();
        try
        {
            foreach (var queue in topology.Queues)
            {
                if (await link.ExistsAsync(channel => channel.QueueDeclarePassiveAsync(queue, cancellationToken), cancellationToken) == false)
                    missing.Add($"queue {queue}");
            }
            foreach (var exchange in topology.Exchanges)
            {
                if (await link.ExistsAsync(channel => channel.ExchangeDeclarePassiveAsync(exchange, cancellationToken), cancellationToken) == false)
                    missing.Add($"exchange {exchange}");
            }
        }
        catch (Exception e) when (e is AlreadyClosedException or OperationInterruptedException or IOException or TimeoutException or ObjectDisposedException)
        {
            // The broker went away in the middle: the next look finds that.
        }
        return missing;
    }

    /// <summary>How many messages are ready in a queue.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="cancellationToken">Cancels the question.</param>
    /// <returns>Null where it does not exist, the user has no right to it (RabbitMQ 4), or the broker does not answer.</returns>
    public async Task<long?> ReadyAsync(string queue, CancellationToken cancellationToken)
    {
        if (_link is not { } link)
            return null;
        long ready = 0;
        try
        {
            return await link.ExistsAsync(async channel => ready = (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount, cancellationToken) == true ? ready : null;
        }
        catch (Exception e) when (e is AlreadyClosedException or OperationInterruptedException or IOException or TimeoutException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_link is { } link)
            await link.Connection.DisposeAsync();
        _one.Dispose();
    }

    private async Task<Link> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_link is { Connection.IsOpen: true } open)
            return open;
        if (_link is { } old)
            await old.Connection.DisposeAsync();
        _link = null;
        return _link = new Link(await client.OpenAsync("probe", cancellationToken));
    }

    private static string Blocked(string? reason) => $"RabbitMQ blocks publishers ({reason}): free memory or disk on its machine. Accepted submissions wait until then";

    /// <summary>One connection.</summary>
    private sealed class Link
    {
        private const int PauseWithoutExchange = 10_000;

        private readonly Lock _gate = new();
        private long _silentUntil;
        private IChannel? _publishing;
        private IChannel? _looking;
        private Task? _asked;
        private TaskCompletionSource _blocked = New();

        public Link(IConnection connection)
        {
            Connection = connection;
            connection.ConnectionBlockedAsync += BlockedAsync;
            connection.ConnectionUnblockedAsync += UnblockedAsync;
        }

        public IConnection Connection { get; }

        public string? BlockedBecause { get; private set; }

        /// <summary>Whether a message was confirmed; false when the connection is blocked.</summary>
        public async Task<bool> ConfirmsAsync(CancellationToken cancellationToken)
        {
            if (BlockedBecause is not null)
                return false;
            if (Environment.TickCount64 < _silentUntil)
                return true;
            // The one that is on its way counts: a second one would only follow it.
            if (_asked is not { IsCompleted: false })
                _asked = PublishAsync();
            Task blocked;
            lock (_gate)
                blocked = _blocked.Task;
            await (await Task.WhenAny(_asked, blocked)).WaitAsync(cancellationToken);
            return BlockedBecause is null;
        }

        /// <returns>Null where the user may not know.</returns>
        public async Task<bool?> ExistsAsync(Func<IChannel, Task> ask, CancellationToken cancellationToken)
        {
            try
            {
                if (_looking is not { IsOpen: true })
                    _looking = await Connection.CreateChannelAsync(cancellationToken: cancellationToken);
                await ask(_looking);
                return true;
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
            {
                return false;
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.AccessRefused)
            {
                return null;
            }
        }

        private async Task PublishAsync()
        {
            try
            {
                if (_publishing is not { IsOpen: true })
                    _publishing = await Connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
                await _publishing.BasicPublishAsync(QueueTopology.ProbeExchange, "", mandatory: false, new BasicProperties(), ReadOnlyMemory<byte>.Empty, CancellationToken.None);
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode is Constants.NotFound or Constants.AccessRefused)
            {
                // It answers. What is not deployed is found by MissingAsync; asking each second would fill the broker's log.
                _silentUntil = Environment.TickCount64 + PauseWithoutExchange;
            }
        }

        private Task BlockedAsync(object sender, ConnectionBlockedEventArgs blocked)
        {
            lock (_gate)
            {
                BlockedBecause = blocked.Reason;
                _blocked.TrySetResult();
            }
            return Task.CompletedTask;
        }

        private Task UnblockedAsync(object sender, AsyncEventArgs unblocked)
        {
            lock (_gate)
            {
                BlockedBecause = null;
                _blocked = New();
            }
            return Task.CompletedTask;
        }

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
