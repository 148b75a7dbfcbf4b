using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Publishes messages as mandatory and with confirms, many at once, in the order of the calls. The client's own tracking of confirms would add
/// a header to each message; a replay adds nothing but its stamp.
/// </summary>
internal sealed class Publisher : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly TimeSpan _timeout;
    private readonly ConcurrentDictionary<ulong, Pending> _pending = new();
    private readonly SemaphoreSlim _sendLock = new(1, 1);
    private readonly BlockedState _blocked;
    private ulong _confirmed;

    private Publisher(IConnection connection, IChannel channel, TimeSpan timeout, Action onBlocked)
    {
        (_connection, _channel, _timeout) = (connection, channel, timeout);
        _blocked = new BlockedState(connection, onBlocked);
        channel.BasicAcksAsync += (_, ack) => Settle(ack.DeliveryTag, ack.Multiple, null);
        channel.BasicNacksAsync += (_, nack) => Settle(nack.DeliveryTag, nack.Multiple, "the broker refused it: the queue is full, or has an internal problem");
        channel.BasicReturnAsync += (_, returned) => Return(returned);
        channel.ChannelShutdownAsync += (_, shutdown) => Fail(shutdown);
    }

    /// <summary>Why RabbitMQ accepts no messages now; null if it does.</summary>
    public string? Blocked => _blocked.Reason;

    public static async Task<Publisher> OpenAsync(DeadLetterOptions options, string name, Action onBlocked, CancellationToken cancellationToken)
    {
        // A separate connection: confirms can't be read on a connection whose deliveries are waited for.
        var connection = await BrokerConnection.OpenAsync(options, name, cancellationToken);
        var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false), cancellationToken);
        return new Publisher(connection, channel, options.Timeout, onBlocked);
    }

    /// <summary>Publishes one message. The order is that of the calls, if each call is made after the previous one has returned.</summary>
    /// <returns>The wait for the confirm: null if the broker has the message, otherwise why it does not.</returns>
    /// <exception cref="DeadLetterException">Nothing was published. If the wait throws this, the message may have been published.</exception>
    public async Task<Task<string?>> SendAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await _blocked.WaitForItsEndAsync(_timeout, cancellationToken);
        using var deadline = new CancellationTokenSource(_timeout);
        await _sendLock.WaitAsync(CancellationToken.None);
        Pending? pending = null;
        try
        {
            var number = await _channel.GetNextPublishSequenceNumberAsync(deadline.Token);
            _pending[number] = pending = new Pending(exchange, routingKey, properties, body);
            await _channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, body, deadline.Token);
            return ConfirmAsync(pending);
        }
        catch (Exception e) when (e is AlreadyClosedException or OperationInterruptedException or IOException or OperationCanceledException)
        {
            var failure = e is OperationInterruptedException { ShutdownReason: { } reason } ? ErrorFor(reason) : Lost(e);
            if (pending is null)
                throw failure;
            pending.Confirm.TrySetException(failure); // its frames may have been written, so the broker may have the message
            return pending.Confirm.Task;
        }
        finally
        {
            _sendLock.Release();
        }
    }

    /// <summary>Stops the waits for confirms if the broker accepts no messages.</summary>
    public void GiveUpWhileBlocked() => _blocked.GiveUp();

    public async ValueTask DisposeAsync()
    {
        await _connection.CloseAsync(isBlocked: _blocked.Reason is not null); // closes the channel too
        _blocked.Dispose();
        _sendLock.Dispose();
    }

    private async Task<string?> ConfirmAsync(Pending pending)
    {
        try
        {
            return await pending.Confirm.Task.WaitAsync(_timeout, _blocked.GivenUp);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            if (_blocked.Reason is not null)
                throw _blocked.InWords(e);
            throw new DeadLetterException(DeadLetterProblem.Unreachable, $"The broker did not confirm within {_timeout.TotalSeconds:0} s. The message is where it was, and may be in its target queue too: check that queue before you continue", e);
        }
    }

    private Task Settle(ulong tag, bool multiple, string? why)
    {
        for (var number = multiple ? _confirmed + 1 : tag; number <= tag; number++)
        {
            if (_pending.TryRemove(number, out var pending))
                pending.Confirm.TrySetResult(pending.Returned ?? why);
        }
        if (multiple)
            _confirmed = tag;
        return Task.CompletedTask;
    }

    // A return arrives before the confirm and carries no number, so the message is recognized by its content.
    private Task Return(BasicReturnEventArgs returned)
    {
        var hash = DeadLetterJson.HashOf(EmptyFields.Restore(returned.BasicProperties), returned.Body.Span);
        var pending = _pending.Values.FirstOrDefault(one =>
            one.Returned is null && one.Body.Length == returned.Body.Length && one.Exchange == returned.Exchange && one.RoutingKey == returned.RoutingKey
            && DeadLetterJson.HashOf(one.Properties, one.Body.Span) == hash);
        if (pending is not null)
            pending.Returned = $"no route to a queue ({returned.ReplyText})";
        return Task.CompletedTask;
    }

    private Task Fail(ShutdownEventArgs shutdown)
    {
        foreach (var pending in _pending.Values)
            pending.Confirm.TrySetException(ErrorFor(shutdown));
        return Task.CompletedTask;
    }

    private static DeadLetterException ErrorFor(ShutdownEventArgs shutdown) => shutdown.ReplyCode switch
    {
        Constants.AccessRefused => new DeadLetterException(DeadLetterProblem.Forbidden, $"The RabbitMQ user lacks a permission: {shutdown.ReplyText}"),
        Constants.PreconditionFailed or Constants.NotFound => new DeadLetterException(DeadLetterProblem.Refused, $"The broker refused: {shutdown.ReplyText}"),
        _ => Lost(null),
    };

    private static DeadLetterException Lost(Exception? cause) =>
        new(DeadLetterProblem.Unreachable, "The connection to the broker was lost. Messages that were not confirmed are where they were, and may be in their target queue too", cause);

    private sealed class Pending(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        public string Exchange => exchange;

        public string RoutingKey => routingKey;

        public BasicProperties Properties => properties;

        public ReadOnlyMemory<byte> Body => body;

        public TaskCompletionSource<string?> Confirm { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? Returned { get; set; }
    }
}
