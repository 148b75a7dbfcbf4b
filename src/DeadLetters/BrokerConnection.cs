using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>Connections to the broker, and what it refuses in an operator's words.</summary>
internal static class BrokerConnection
{
    /// <summary>Connects.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="name">For the management UI: what the connection is for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DeadLetterException">It is out of reach, or refuses the user.</exception>
    public static async Task<IConnection> OpenAsync(DeadLetterOptions options, string name, CancellationToken cancellationToken)
    {
        var sockets = new MarkingSockets(options.Endpoints);
        var factory = new ConnectionFactory
        {
            SocketFactory = sockets.Create,
            UserName = options.Username,
            Password = options.Password,
            VirtualHost = options.VirtualHost,
            AutomaticRecoveryEnabled = false, // tags of a lost connection mean nothing on a new one
            RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
            ContinuationTimeout = options.Patience,
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
                DeadLetterProblem.OutOfReach,
                ServerCertificate.ProblemIn(e) is { } problem ? $"RabbitMQ at {where} can't be trusted. {problem}"
                : refused ? $"RabbitMQ at {where} refuses the user {options.Username}: check the name, the password and the virtual host" : $"RabbitMQ is out of reach at {where}: check the address, and that the broker runs",
                e);
        }
        catch (OperationInterruptedException e)
        {
            throw InWords(e, options.VirtualHost);
        }
    }

    /// <summary>Does something on a channel of its own: what the broker refuses costs the channel.</summary>
    /// <typeparam name="T">What it brings.</typeparam>
    /// <param name="connection">The connection.</param>
    /// <param name="queue">The queue that it is about.</param>
    /// <param name="work">What to do.</param>
    /// <param name="cancellationToken">Ends it.</param>
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
            throw new DeadLetterException(DeadLetterProblem.OutOfReach, "The connection to the broker was lost. What was not moved stands in the queue", e);
        }
    }

    /// <summary>Closes a connection that the broker may have blocked.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isBlocked">
    /// The broker does not read from it, so it never answers the close. RabbitMQ.Client 7.2.2 waits 35 s for that in <c>DisposeAsync</c>, also after a
    /// <c>CloseAsync</c> with a timeout of 1 s, so nobody waits for it.
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
            // It is closed in any case.
        }
    }

    /// <summary>RabbitMQ's version; 0.0 where it does not tell.</summary>
    /// <param name="connection">A connection to it.</param>
    public static Version BrokerVersion(this IConnection connection) =>
        connection.ServerProperties?["version"] is byte[] text && Version.TryParse(System.Text.Encoding.ASCII.GetString(text).Split('-', '+')[0], out var version)
            ? version
            : new Version(0, 0);

    /// <summary>Why a channel was closed, in an operator's words.</summary>
    /// <param name="reason">What the broker said; null where nothing was heard of it.</param>
    /// <param name="cause">What the client makes of it.</param>
    public static DeadLetterException Closed(ShutdownEventArgs? reason, Exception? cause = null) => reason switch
    {
        { ReplyCode: Constants.PreconditionFailed, ReplyText: var text } when ConsumerTimeout.IsIn(text) => new DeadLetterException(
            DeadLetterProblem.Refused, ConsumerTimeout.InWords(text), cause),
        { Initiator: ShutdownInitiator.Peer, ReplyText: { Length: > 0 } text, ReplyCode: not (Constants.ConnectionForced or Constants.InternalError) } => new DeadLetterException(
            DeadLetterProblem.OutOfReach, $"RabbitMQ closed the channel: {text}. What was not moved is in the queue", cause),
        _ => new DeadLetterException(
            DeadLetterProblem.OutOfReach, "The connection to the broker was lost. What was not moved is in the queue: run it again when the broker is back", cause),
    };

    /// <summary>What the broker said when it closed a channel.</summary>
    /// <param name="e">What the client makes of it.</param>
    /// <param name="name">What was asked for.</param>
    public static DeadLetterException InWords(OperationInterruptedException e, string name) => e.ShutdownReason?.ReplyCode switch
    {
        Constants.NotFound => new DeadLetterException(DeadLetterProblem.NoSuchQueue, $"There is no {name}", e),
        Constants.AccessRefused or Constants.NotAllowed => new DeadLetterException(DeadLetterProblem.Forbidden, $"The RabbitMQ user lacks a right: {e.ShutdownReason.ReplyText}", e),
        Constants.PreconditionFailed when ConsumerTimeout.IsIn(e.ShutdownReason.ReplyText) => Closed(e.ShutdownReason, e),
        Constants.PreconditionFailed => new DeadLetterException(DeadLetterProblem.Refused, $"The broker refuses: {e.ShutdownReason.ReplyText}", e),
        _ => new DeadLetterException(DeadLetterProblem.OutOfReach, $"The broker ended the connection: {e.ShutdownReason?.ReplyText}", e),
    };
}
