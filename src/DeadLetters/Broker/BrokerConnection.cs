using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>Opens and closes connections to the broker, and turns its errors into messages for an operator.</summary>
internal static class BrokerConnection
{
    /// <summary>Opens a connection.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="name">The connection's name, shown in the management UI.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The broker is unreachable, or refuses the user.</exception>
    public static async Task<IConnection> OpenAsync(DeadLetterOptions options, string name, CancellationToken cancellationToken)
    {
        var sockets = new MarkingSockets(options.Endpoints);
        var factory = new ConnectionFactory
        {
            SocketFactory = sockets.Create,
            UserName = options.Username,
            Password = options.Password,
            VirtualHost = options.VirtualHost,
            AutomaticRecoveryEnabled = false, // delivery tags of a lost connection are invalid on a new one
            RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
            ContinuationTimeout = options.Timeout,
            RequestedHeartbeat = TimeSpan.FromSeconds(20),
        };
        try
        {
            return await factory.CreateConnectionAsync(sockets, name, cancellationToken);
        }
        catch (BrokerUnreachableException e)
        {
            var refused = e.InnerException is AuthenticationFailureException or PossibleAuthenticationFailureException;
            var where = string.Join(", ", options.Endpoints.Select(endpoint => $"{endpoint.HostName}:{endpoint.Port}"));
            throw new DeadLetterException(
                DeadLetterProblem.Unreachable,
                ServerCertificate.ProblemIn(e) is { } problem ? $"RabbitMQ at {where} can't be trusted. {problem}"
                : refused ? $"RabbitMQ at {where} refuses the user {options.Username}: check the name, the password and the virtual host" : $"RabbitMQ is unreachable at {where}: check the address, and that the broker is running",
                e);
        }
        catch (OperationInterruptedException e)
        {
            throw InWords(e, options.VirtualHost);
        }
    }

    /// <summary>Runs work on its own channel, because the broker closes the channel when it refuses something.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="connection">The connection.</param>
    /// <param name="queue">The queue, for error messages.</param>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<T> OnOwnChannelAsync<T>(this IConnection connection, string queue, Func<IChannel, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            return await work(channel);
        }
        catch (OperationInterruptedException e)
        {
            throw InWords(e, queue);
        }
        catch (Exception e) when (e is AlreadyClosedException or IOException or TimeoutException)
        {
            throw new DeadLetterException(DeadLetterProblem.Unreachable, "The connection to the broker was lost. Messages that were not moved are still in the queue", e);
        }
    }

    /// <summary>Closes a connection that the broker may have blocked.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isBlocked">
    /// Whether the broker has blocked the connection. The broker does not read from a blocked connection, so it never answers the close.
    /// RabbitMQ.Client 7.2.2 waits 35 s for that in <c>DisposeAsync</c>, also after a <c>CloseAsync</c> with a timeout of 1 s, so this method does not wait.
    /// </param>
    public static async ValueTask CloseAsync(this IConnection connection, bool isBlocked)
    {
        if (!isBlocked)
            await connection.DisposeAsync();
        else
            _ = AbandonAsync(connection);
    }

    private static async Task AbandonAsync(IConnection connection)
    {
        try
        {
            await connection.DisposeAsync();
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException)
        {
            // The connection is closed in any case.
        }
    }

    /// <summary>RabbitMQ's version; 0.0 if the broker does not report it.</summary>
    /// <param name="connection">A connection to the broker.</param>
    public static Version BrokerVersion(this IConnection connection) =>
        connection.ServerProperties?["version"] is byte[] text && Version.TryParse(System.Text.Encoding.ASCII.GetString(text).Split('-', '+')[0], out var version)
            ? version
            : new Version(0, 0);

    /// <summary>Describes to an operator why a channel was closed.</summary>
    /// <param name="reason">The broker's reason; null if it gave none.</param>
    /// <param name="cause">The client's exception.</param>
    public static DeadLetterException Closed(ShutdownEventArgs? reason, Exception? cause = null) => reason switch
    {
        { ReplyCode: Constants.PreconditionFailed, ReplyText: var text } when ConsumerTimeout.IsIn(text) => new DeadLetterException(
            DeadLetterProblem.Refused, ConsumerTimeout.InWords(text), cause),
        { Initiator: ShutdownInitiator.Peer, ReplyText: { Length: > 0 } text, ReplyCode: not (Constants.ConnectionForced or Constants.InternalError) } => new DeadLetterException(
            DeadLetterProblem.Unreachable, $"RabbitMQ closed the channel: {text}. Messages that were not moved are still in the queue", cause),
        _ => new DeadLetterException(
            DeadLetterProblem.Unreachable, "The connection to the broker was lost. Messages that were not moved are still in the queue: run the operation again when the broker is back", cause),
    };

    /// <summary>Turns a refusal of the broker into an error for an operator.</summary>
    /// <param name="e">The client's exception.</param>
    /// <param name="name">The name of the queue.</param>
    public static DeadLetterException InWords(OperationInterruptedException e, string name) => e.ShutdownReason?.ReplyCode switch
    {
        Constants.NotFound => new DeadLetterException(DeadLetterProblem.NoSuchQueue, $"Queue \"{name}\" not found", e),
        Constants.AccessRefused or Constants.NotAllowed => new DeadLetterException(DeadLetterProblem.Forbidden, $"The RabbitMQ user lacks a permission: {e.ShutdownReason.ReplyText}", e),
        Constants.PreconditionFailed when ConsumerTimeout.IsIn(e.ShutdownReason.ReplyText) => Closed(e.ShutdownReason, e),
        Constants.PreconditionFailed => new DeadLetterException(DeadLetterProblem.Refused, $"The broker refused: {e.ShutdownReason.ReplyText}", e),
        Constants.InternalError when BrokerNames.MayOverflowReply(name) => new DeadLetterException(
            DeadLetterProblem.Unreachable,
            $"The broker closed the connection instead of answering about queue \"{name}\". RabbitMQ 4 does that when the name is too long for its error reply: the queue does not exist, is exclusive, or the RabbitMQ user lacks a permission on it",
            e),
        _ => new DeadLetterException(DeadLetterProblem.Unreachable, $"The broker closed the connection: {e.ShutdownReason?.ReplyText}", e),
    };
}
