using System.Globalization;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Asks the broker whether it would accept a message: publishes it in a transaction and rolls that back. The broker checks permissions and sizes
/// on publish and routes on commit, so no message is routed. The probe uses its own connection, because while the broker has an alarm, it does not
/// read from a connection that has published.
/// </summary>
internal sealed partial class PublishProbe(DeadLetterOptions options, string queue) : IAsyncDisposable
{
    private const int AlwaysAccepted = 64 * 1024;

    private IConnection? _connection;
    private IChannel? _channel;
    private Func<Task>? _giveUp;
    private volatile string? _blocked;
    private long _largestAccepted = AlwaysAccepted;
    private long? _most;

    /// <summary>Why the user may not publish there; null if it may.</summary>
    public async Task<string?> RightProblemAsync(string exchange, string routingKey, CancellationToken cancellationToken)
    {
        var refusal = await TryAsync(exchange, routingKey, ReadOnlyMemory<byte>.Empty, cancellationToken);
        return refusal?.ReplyCode != Constants.AccessRefused ? null
            : $"the RabbitMQ user {options.Username} may not write to {(exchange.Length > 0 ? $"exchange {exchange}" : "the default exchange (amq.default)")}: give it that permission";
    }

    /// <summary>Why a body is too large; null if it isn't. Sends only a body that is larger than all bodies before it.</summary>
    public async Task<string?> SizeProblemAsync(string exchange, string routingKey, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        if (body.Length <= _largestAccepted)
            return null;
        if (_most is null || body.Length <= _most)
        {
            if (await TryAsync(exchange, routingKey, body, cancellationToken) is not { ReplyCode: Constants.PreconditionFailed } refusal)
            {
                _largestAccepted = body.Length;
                return null;
            }
            _most = Limit().Match(refusal.ReplyText) is { Success: true, Groups: [_, { Value: var limit }] } ? long.Parse(limit, CultureInfo.InvariantCulture) : body.Length - 1;
        }
        return string.Create(CultureInfo.InvariantCulture, $"its body has {body.Length:N0} bytes, and the broker accepts at most {_most:N0} (max_message_size)");
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.CloseAsync(isBlocked: _blocked is not null);
    }

    private async Task<ShutdownEventArgs?> TryAsync(string exchange, string routingKey, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Timeout);
        _giveUp = deadline.CancelAsync;
        try
        {
            var channel = _channel ??= await OpenAsync(deadline.Token);
            await channel.BasicPublishAsync(exchange, routingKey, mandatory: false, new BasicProperties(), body, deadline.Token);
            await channel.TxRollbackAsync(deadline.Token).WaitAsync(deadline.Token); // RabbitMQ.Client 7.2.2 itself cancels no request that it has sent
            return null;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason && _connection is { IsOpen: true })
        {
            _channel = null; // the broker closed it with the refusal
            return reason;
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw _blocked is { } why
                ? BlockedState.InWords(why, e)
                : new DeadLetterException(DeadLetterProblem.Unreachable, "The broker does not answer. Nothing was moved: try again when it does", e);
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
            _connection = await BrokerConnection.OpenAsync(options, $"dead letters: check the route from {queue}", cancellationToken);
            _connection.ConnectionBlockedAsync += (_, blocked) =>
            {
                _blocked = BlockedState.Words(blocked.Reason);
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
