using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Finds out whether all reports that have arrived in a queue were read: a marker arrives behind them. The markers come over a connection of their own,
/// because during an alarm RabbitMQ stops to read from a connection that publishes. They pass an exchange of the queue, which also leads the messages that
/// the queue drops to a second queue.
/// </summary>
/// <param name="options">The broker.</param>
/// <param name="queue">The queue of the reports.</param>
internal sealed class ReportMarkers(DeadLetterOptions options, string queue)
{
    private const string MarkedKey = "marked";
    private const string DroppedKey = "dropped";
    private static readonly TimeSpan _longestRead = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private IConnection? _connection;
    private IChannel? _channel;
    private TaskCompletionSource? _arrived;
    private string _awaited = "";
    private volatile bool _isClosed;

    private string Exchange => queue;

    private string Dropped => queue + ":dropped";

    /// <summary>The arguments with which the queue of the reports leads what it drops to the second queue.</summary>
    public Dictionary<string, object?> Arguments => new() { ["x-dead-letter-exchange"] = Exchange, ["x-dead-letter-routing-key"] = DroppedKey };

    /// <summary>Declares the exchange and the second queue, on the connection of the reports.</summary>
    public async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(Exchange, ExchangeType.Direct, durable: false, autoDelete: true, cancellationToken: cancellationToken);
        var newest = new Dictionary<string, object?> { ["x-max-length"] = 1L }; // one is enough to know it
        await channel.QueueDeclareAsync(Dropped, durable: false, exclusive: true, autoDelete: false, newest, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(Dropped, Exchange, DroppedKey, cancellationToken: cancellationToken);
    }

    /// <summary>Leads the markers to the queue of the reports.</summary>
    public Task BindAsync(IChannel channel, CancellationToken cancellationToken) => channel.QueueBindAsync(queue, Exchange, MarkedKey, cancellationToken: cancellationToken);

    /// <summary>Whether a message in the queue of the reports is a marker. All that arrived before it were read.</summary>
    public bool Take(string exchange, IReadOnlyBasicProperties properties)
    {
        if (exchange != Exchange)
            return false;
        lock (_lock)
        {
            if (properties.MessageId == _awaited)
                _arrived?.TrySetResult();
        }
        return true;
    }

    /// <summary>Waits until all reports that have arrived so far were read. One call at a time.</summary>
    /// <param name="reports">The connection of the reports.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Whether they were read, and whether the queue has dropped some.</returns>
    /// <exception cref="DeadLetterException">The broker is unreachable or refuses it.</exception>
    public async Task<(bool AreRead, bool AreDropped)> CatchUpAsync(IConnection reports, CancellationToken cancellationToken)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            (_arrived, _awaited) = (arrived, Guid.NewGuid().ToString("N"));
        await PublishAsync(new BasicProperties { MessageId = _awaited }, cancellationToken);
        try
        {
            await arrived.Task.WaitAsync(_longestRead, cancellationToken);
        }
        catch (TimeoutException)
        {
            return (false, false); // the backlog is long, or the marker was dropped itself
        }
        // What was dropped before the marker arrived is in the second queue by now.
        return (true, await reports.OnOwnChannelAsync(Dropped, async channel => await channel.BasicGetAsync(Dropped, autoAck: true, cancellationToken) is not null, cancellationToken));
    }

    /// <summary>Closes the connection of the markers.</summary>
    public Task CloseAsync()
    {
        _isClosed = true;
        return EndAsync();
    }

    private async Task PublishAsync(BasicProperties properties, CancellationToken cancellationToken)
    {
        if (_channel is not { IsOpen: true })
        {
            await EndAsync();
            var connection = await BrokerConnection.OpenAsync(options, "dead letters: markers", cancellationToken);
            lock (_lock)
                _connection = connection;
            _channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        }
        if (_isClosed)
            await EndAsync(); // closed meanwhile: the publish fails
        await _channel.BasicPublishAsync(Exchange, MarkedKey, mandatory: false, properties, ReadOnlyMemory<byte>.Empty, cancellationToken);
    }

    private async Task EndAsync()
    {
        IConnection? connection;
        lock (_lock)
            (connection, _connection) = (_connection, null);
        if (connection is not null)
            await connection.CloseAsync(isBlocked: true); // it may be: don't wait
    }
}
