using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Publishes mandatory and confirmed, many at once, in the order of the calls. The client's own tracking of confirms would write a
/// header of its own on each message; a replay adds nothing but its stamp.
/// </summary>
internal sealed class Publisher : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly TimeSpan _patience;
    private readonly ConcurrentDictionary<ulong, Pending> _pending = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly BlockedState _blocked;
    private ulong _confirmed;

    private Publisher(IConnection connection, IChannel channel, TimeSpan patience, Action onBlocked)
    {
        (_connection, _channel, _patience) = (connection, channel, patience);
        _blocked = new BlockedState(connection, onBlocked);
        channel.BasicAcksAsync += (_, ack) => Settle(ack.DeliveryTag, ack.Multiple, null);
        channel.BasicNacksAsync += (_, nack) => Settle(nack.DeliveryTag, nack.Multiple, "the broker refused it: the queue is full, or has a problem of its own");
        channel.BasicReturnAsync += (_, returned) => Return(returned);
        channel.ChannelShutdownAsync += (_, shutdown) => Fail(shutdown);
    }

    /// <summary>Why RabbitMQ takes no messages now; null where it does.</summary>
    public string? Blocked => _blocked.Reason;

    public static async Task<Publisher> OpenAsync(DeadLetterOptions options, string name, Action onBlocked, CancellationToken cancellationToken)
    {
        // A connection of its own: one whose deliveries are waited for can't read the confirms.
        var connection = await BrokerConnection.OpenAsync(options, name, cancellationToken);
        var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false), cancellationToken);
        return new Publisher(connection, channel, options.Patience, onBlocked);
    }

    /// <summary>Sends one. The order is that of the calls, where each comes after the one before has returned.</summary>
    /// <returns>The wait for the confirm: null when the broker has it, else why it does not.</returns>
    /// <exception cref="DeadLetterException">The broker was lost; also out of the wait.</exception>
    public async Task<Task<string?>> SendAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await _blocked.WaitForItsEndAsync(_patience, cancellationToken);
        using var deadline = new CancellationTokenSource(_patience);
        await _one.WaitAsync(CancellationToken.None);
        try
        {
            var number = await _channel.GetNextPublishSequenceNumberAsync(deadline.Token);
            var pending = new Pending(exchange, routingKey, properties, body);
            _pending[number] = pending;
            await _channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, body, deadline.Token);
            return ConfirmAsync(pending);
        }
        catch (Exception e) when (e is AlreadyClosedException or OperationInterruptedException or IOException or OperationCanceledException)
        {
            throw e is OperationInterruptedException { ShutdownReason: { } reason } ? Told(reason) : Lost(e);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>No confirm is waited for any longer, where the broker takes no messages.</summary>
    public void GiveUpWhileBlocked() => _blocked.GiveUp();

    public async ValueTask DisposeAsync()
    {
        await _connection.CloseAsync(isBlocked: _blocked.Reason is not null); // and the channel with it
        _blocked.Dispose();
        _one.Dispose();
    }

    private async Task<string?> ConfirmAsync(Pending pending)
    {
        try
        {
            return await pending.Confirm.Task.WaitAsync(_patience, _blocked.GivenUp);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            if (_blocked.Reason is not null)
                throw _blocked.InWords(e);
            throw new DeadLetterException(DeadLetterProblem.OutOfReach, $"The broker did not confirm within {_patience.TotalSeconds:0} s. The message stands where it was, and may be in its queue too: look there before you go on", e);
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

    // It comes before the confirm, and carries no number: it is told by all that it is.
    private Task Return(BasicReturnEventArgs returned)
    {
        var hash = DeadLetterJson.HashOf(EmptyFields.Restore(returned.BasicProperties), returned.Body.Span);
        var pending = _pending.Values.FirstOrDefault(one =>
            one.Returned is null && one.Body.Length == returned.Body.Length && one.Exchange == returned.Exchange && one.RoutingKey == returned.RoutingKey
            && DeadLetterJson.HashOf(one.Properties, one.Body.Span) == hash);
        if (pending is not null)
            pending.Returned = $"no queue takes it there ({returned.ReplyText})";
        return Task.CompletedTask;
    }

    private Task Fail(ShutdownEventArgs shutdown)
    {
        foreach (var pending in _pending.Values)
            pending.Confirm.TrySetException(Told(shutdown));
        return Task.CompletedTask;
    }

    private static DeadLetterException Told(ShutdownEventArgs shutdown) => shutdown.ReplyCode switch
    {
        Constants.AccessRefused => new DeadLetterException(DeadLetterProblem.Forbidden, $"The RabbitMQ user lacks a right: {shutdown.ReplyText}"),
        Constants.PreconditionFailed or Constants.NotFound => new DeadLetterException(DeadLetterProblem.Refused, $"The broker refuses: {shutdown.ReplyText}"),
        _ => Lost(null),
    };

    private static DeadLetterException Lost(Exception? cause) =>
        new(DeadLetterProblem.OutOfReach, "The connection to the broker was lost. What was not confirmed stands where it was, and may be in its queue too", cause);

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
