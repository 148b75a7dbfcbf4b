using System.Diagnostics;
using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// The connection that the bus publishes on. One that confirms nothing any more, because the broker was frozen or something on the way
/// swallows its packets, is closed: MassTransit then opens another one, and what waited on the old one is published again.
/// </summary>
internal sealed partial class PublishConnection(ILogger<PublishConnection> log) : IFilter<ChannelContext>
{
    // Nobody answers on it: the time is for the socket.
    private static readonly TimeSpan _closing = TimeSpan.FromSeconds(1);

    private volatile Link? _current;

    /// <summary>The one in use; null before the first.</summary>
    public Link? Current => _current;

    public Task Send(ChannelContext context, IPipe<ChannelContext> next)
    {
        // The bus has one connection for what it sends and for what it receives; this is asked for each channel that receives.
        var connection = context.ConnectionContext.Connection;
        if (_current?.Connection != connection)
            _current = new Link(connection);
        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("publishConnection");

    /// <summary>Closes a connection on which a publish outlived its deadline, unless it works for others or the broker has blocked it.</summary>
    /// <param name="link">The connection when that publish began.</param>
    /// <param name="began">When it began, by <see cref="Stopwatch"/>.</param>
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
            await connection.CloseAsync(Constants.ConnectionForced, "publishes were not confirmed", _closing, abort: true, CancellationToken.None);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
        {
            // It is closed on this side all the same, which is what counts.
        }
    }

    /// <summary>One connection, and what is known of it.</summary>
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

        /// <summary>The broker takes no publishes for now and said so: a new connection would be blocked as well.</summary>
        public bool IsBlocked => _blocked;

        /// <summary>Notes that the broker has confirmed a publish.</summary>
        public void Confirmed() => Interlocked.Exchange(ref _confirmed, Stopwatch.GetTimestamp());

        public bool HasConfirmedSince(long began) => Interlocked.Read(ref _confirmed) >= began;

        public bool TryGiveUp() => Interlocked.Exchange(ref _givenUp, 1) == 0;

        private Task SetBlocked(bool blocked)
        {
            _blocked = blocked;
            return Task.CompletedTask;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "RabbitMQ confirms nothing on this connection, so it is closed and another one is opened. What was not confirmed is published again")]
    private static partial void LogGivenUp(ILogger log);
}
