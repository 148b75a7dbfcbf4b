using System.Diagnostics;
using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// Tracks the connection that the bus publishes on, and closes it if confirms stop arriving, because the broker froze or the network drops
/// packets. MassTransit then opens another connection, and the publishes that waited on the old one are made again.
/// </summary>
internal sealed partial class PublishConnection(ILogger<PublishConnection> log) : IFilter<ChannelContext>
{
    // The broker does not answer on this connection, so this time is only for closing the socket.
    private static readonly TimeSpan _closeTimeout = TimeSpan.FromSeconds(1);

    private volatile Link? _current;

    /// <summary>The connection in use; null before the first.</summary>
    public Link? Current => _current;

    public Task Send(ChannelContext context, IPipe<ChannelContext> next)
    {
        // The bus sends and receives on the same connection. This filter runs for each channel that receives.
        var connection = context.ConnectionContext.Connection;
        if (_current?.Connection != connection)
            _current = new Link(connection);
        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("publishConnection");

    /// <summary>Closes a connection on which a publish timed out, unless it has confirmed other publishes since or the broker has blocked it.</summary>
    /// <param name="link">The connection that was in use when the publish began.</param>
    /// <param name="began">When the publish began: a <see cref="Stopwatch"/> timestamp.</param>
    public void GiveUp(Link? link, long began)
    {
        if (link is null || link.IsBlocked || link.HasConfirmedSince(began) || !link.TryGiveUp())
            return;
        LogGivenUp(log);
        _ = Task.Run(() => CloseAsync(link.Connection));
    }

    private static async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.CloseAsync(Constants.ConnectionForced, "publishes were not confirmed", _closeTimeout, abort: true, CancellationToken.None);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
        {
            // It is closed on this side anyway, which is enough.
        }
    }

    /// <summary>One connection and its state.</summary>
    internal sealed class Link
    {
        private long _confirmed;
        private int _givenUp;
        private volatile bool _blocked;

        public Link(IConnection connection)
        {
            Connection = connection;
            connection.ConnectionBlockedAsync += (_, _) => SetBlocked(true);
            connection.ConnectionUnblockedAsync += (_, _) => SetBlocked(false);
        }

        public IConnection Connection { get; }

        /// <summary>Whether the broker has blocked publishes. A new connection would be blocked as well.</summary>
        public bool IsBlocked => _blocked;

        /// <summary>Records that the broker has confirmed a publish.</summary>
        public void Confirmed() => Interlocked.Exchange(ref _confirmed, Stopwatch.GetTimestamp());

        public bool HasConfirmedSince(long began) => Interlocked.Read(ref _confirmed) >= began;

        public bool TryGiveUp() => Interlocked.Exchange(ref _givenUp, 1) == 0;

        private Task SetBlocked(bool blocked)
        {
            _blocked = blocked;
            return Task.CompletedTask;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "RabbitMQ has stopped confirming publishes on this connection, so it is closed and another one is opened. Unconfirmed messages are published again")]
    private static partial void LogGivenUp(ILogger log);
}
