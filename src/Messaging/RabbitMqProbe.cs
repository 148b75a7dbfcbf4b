using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Checks over its own connection whether the broker accepts messages now. A bus that only publishes reports itself healthy for a
/// while after the broker died, and RabbitMQ reports an alarm (memory, disk) only to a connection that has published.
/// </summary>
/// <param name="client">Opens the connection.</param>
public sealed class RabbitMqProbe(RabbitMqClient client) : IAsyncDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _one = new(1, 1);
    private volatile Link? _link;
    private volatile string? _problem;

    /// <summary>Whether the connection is open and not blocked by an alarm. Sends nothing to the broker.</summary>
    public bool IsOpen => _link is { Connection.IsOpen: true, BlockedBecause: null };

    /// <summary>Why the last attempt failed, if details are available: the certificate, an alarm. Otherwise null.</summary>
    public string? Problem => _link?.BlockedBecause is { } reason ? Blocked(reason) : _problem;

    /// <summary>Whether the broker confirms a message that is routed to no queue within three seconds, over the existing or a new connection.</summary>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    public async Task<bool> IsUpAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        try
        {
            await _one.WaitAsync(deadline.Token);
            try
            {
                var link = await ConnectAsync(deadline.Token);
                _problem = await link.ConfirmsAsync(deadline.Token) ? link.Refusal : Blocked(link.BlockedBecause);
                return _problem is null;
            }
            finally
            {
                _one.Release();
            }
        }
        catch (Exception e) when (e is BrokerUnreachableException or OperationCanceledException or IOException or RabbitMQClientException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested(); // otherwise a broker failure during shutdown would look like a crash
            _problem = ServerCertificate.ProblemIn(e) ?? (_link is { Connection.IsOpen: true } ? "RabbitMQ accepts connections but does not confirm: check the broker" : null);
            return false;
        }
    }

    /// <summary>
    /// Returns the queues and exchanges that don't exist. RabbitMQ 3 reports that to every user. From version 4 on, the user needs a right to
    /// configure, write or read something of that name; what the user has no right to is left out.
    /// </summary>
    /// <param name="topology">The queues and exchanges to look for.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Null if the connection was lost meanwhile.</returns>
    public async Task<IReadOnlyList<string>?> MissingAsync(UsedTopology topology, CancellationToken cancellationToken)
    {
        if (_link is not { } link)
            return null;
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
            return null;
        }
        return missing;
    }

    /// <summary>Returns the number of ready messages in a queue.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Null if the queue does not exist, the user has no right to it (RabbitMQ 4), or the broker or the queue does not answer.</returns>
    public async Task<long?> ReadyAsync(string queue, CancellationToken cancellationToken)
    {
        if (_link is not { } link)
            return null;
        long? ready = null;
        try
        {
            return await link.ExistsAsync(async channel => ready = (await channel.CountAsync(queue, cancellationToken))?.MessageCount, cancellationToken) == true ? ready : null;
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

    private static string Blocked(string? reason) => $"RabbitMQ blocks publishers ({AlarmWords.LowOn(reason) ?? reason}): free memory or disk on its machine. Accepted submissions wait until then";

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

        /// <summary>Why no message could be published; null if one could.</summary>
        public string? Refusal { get; private set; }

        /// <summary>Whether a message was confirmed; false when the connection is blocked.</summary>
        public async Task<bool> ConfirmsAsync(CancellationToken cancellationToken)
        {
            if (BlockedBecause is not null)
                return false;
            if (Environment.TickCount64 < _silentUntil)
                return true;
            // Wait for a publish that is already under way: a second one would only queue up behind it.
            if (_asked is not { IsCompleted: false })
                _asked = PublishAsync();
            Task blocked;
            lock (_gate)
                blocked = _blocked.Task;
            await (await Task.WhenAny(_asked, blocked)).WaitAsync(cancellationToken);
            return BlockedBecause is null;
        }

        /// <returns>Null if the user has no right to know.</returns>
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
                Refusal = null;
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode is Constants.NotFound or Constants.AccessRefused)
            {
                // The broker answers. MissingAsync finds what is not deployed. Asking every second would fill the broker's log.
                Refusal = e.ShutdownReason.ReplyCode == Constants.AccessRefused
                    ? $"Whether RabbitMQ accepts messages is not known, because the user may not publish to {QueueTopology.ProbeExchange}: give it the permissions in dev/definitions.json"
                    : null;
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
