using System.Globalization;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Asks the broker whether it would take a message: publishes it in a transaction and rolls that back. The broker checks rights and sizes
/// at the publish and routes at the commit, so nothing goes anywhere. It has a connection of its own, for one that has published is not read
/// while the broker has an alarm.
/// </summary>
internal sealed partial class PublishProbe(DeadLetterOptions options, string queue) : IAsyncDisposable
{
    private const int AlwaysFits = 64 * 1024;

    private IConnection? _connection;
    private IChannel? _channel;
    private Func<Task>? _giveUp;
    private volatile string? _blocked;
    private long _fits = AlwaysFits;
    private long? _most;

    /// <summary>Why nothing can be published there; null when it can.</summary>
    public async Task<string?> RightProblemAsync(string exchange, string routingKey, CancellationToken cancellationToken)
    {
        var refusal = await TryAsync(exchange, routingKey, ReadOnlyMemory<byte>.Empty, cancellationToken);
        return refusal?.ReplyCode != Constants.AccessRefused ? null
            : $"the RabbitMQ user {options.Username} may not write to {(exchange.Length > 0 ? $"exchange {exchange}" : "the default exchange (amq.default)")}: give it that right";
    }

    /// <summary>Why a body is too large; null when it isn't. Only one that is larger than all before is sent to find out.</summary>
    public async Task<string?> SizeProblemAsync(string exchange, string routingKey, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        if (body.Length <= _fits)
            return null;
        if (_most is null || body.Length <= _most)
        {
            if (await TryAsync(exchange, routingKey, body, cancellationToken) is not { ReplyCode: Constants.PreconditionFailed } refusal)
            {
                _fits = body.Length;
                return null;
            }
            _most = Limit().Match(refusal.ReplyText) is { Success: true, Groups: [_, { Value: var limit }] } ? long.Parse(limit, CultureInfo.InvariantCulture) : body.Length - 1;
        }
        return string.Create(CultureInfo.InvariantCulture, $"its body has {body.Length:N0} bytes, and the broker takes {_most:N0} at most (max_message_size)");
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.CloseAsync(isBlocked: _blocked is not null);
    }

    private async Task<ShutdownEventArgs?> TryAsync(string exchange, string routingKey, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Patience);
        _giveUp = deadline.CancelAsync;
        try
        {
            var channel = _channel ??= await OpenAsync(deadline.Token);
            await channel.BasicPublishAsync(exchange, routingKey, mandatory: false, new BasicProperties(), body, deadline.Token);
            await channel.TxRollbackAsync(deadline.Token);
            return null;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason && _connection is { IsOpen: true })
        {
            _channel = null; // the refusal has cost it
            return reason;
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new DeadLetterException(
                DeadLetterProblem.OutOfReach,
                _blocked is { } why ? $"The broker takes no messages now ({why}). Nothing was moved: try again when that is over" : "The broker does not answer. Nothing was moved: try again when it does", e);
        }
        finally
        {
            _giveUp = null;
        }
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        if (_connection is null)
        {
            _connection = await BrokerConnection.OpenAsync(options, $"dead letters: check the way from {queue}", cancellationToken);
            _connection.ConnectionBlockedAsync += (_, blocked) =>
            {
                _blocked = blocked.Reason;
                return _giveUp?.Invoke() ?? Task.CompletedTask;
            };
        }
        var channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await channel.TxSelectAsync(cancellationToken);
        return channel;
    }

    [GeneratedRegex(@"max size (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Limit();
}
