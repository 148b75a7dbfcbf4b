using MassTransit;
using MassTransit.Logging;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using ExchangeType = RabbitMQ.Client.ExchangeType;
using PublishException = RabbitMQ.Client.Exceptions.PublishException;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>
/// A connection for reports only. RabbitMQ stops to read from a connection that publishes during an alarm; if that were the connection of the
/// consumers, they would stop, too.
/// </summary>
/// <param name="host">The bus's broker and user.</param>
/// <param name="log">The log.</param>
internal sealed class ReportChannel(RabbitMqHostSettings host, ILogContext log)
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _confirmedWithin = TimeSpan.FromSeconds(30); // earlier, a busy broker would get them twice
    private static readonly TimeSpan _untilNextTry = TimeSpan.FromMinutes(5);

    private IConnection? _connection;
    private IChannel? _channel;
    private volatile bool _isBlocked;
    private long? _refusedAt;
    private bool _isLogged;

    /// <summary>Publishes reports in their order, and takes those that the broker has confirmed off the list. Without the right to publish, it takes off all.</summary>
    /// <param name="reports">The reports.</param>
    public async Task PublishAsync(List<ReplayReport> reports)
    {
        if (_refusedAt is { } since && TimeProvider.System.GetElapsedTime(since) < _untilNextTry)
        {
            reports.Clear();
            return;
        }
        try
        {
            var channel = await OpenAsync();
            var publishes = reports.Select(report => (Report: report, Published: PublishAsync(channel, report))).ToList();
            await EndedAsync(Task.WhenAll(publishes.Select(publish => publish.Published.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default))));
            foreach (var (report, published) in publishes)
            {
                if (await IsSettledAsync(published))
                    reports.Remove(report);
            }
            _refusedAt = null;
            if (reports.Count > 0)
                throw new IOException(channel.CloseReason?.ReplyText ?? "RabbitMQ did not confirm them");
        }
        catch (OperationInterruptedException e) when (IsRefusal(e.ShutdownReason))
        {
            Refused(e.ShutdownReason!.ReplyText);
            reports.Clear();
        }
    }

    public async Task CloseAsync()
    {
        var connection = _connection;
        (_connection, _channel, _isBlocked) = (null, null, false);
        if (connection is null)
            return;
        await connection.AbortAsync(_timeout).WaitAsync(_timeout * 2).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = connection.DisposeAsync().AsTask();
    }

    private static async Task PublishAsync(IChannel channel, ReplayReport report)
    {
        var properties = new BasicProperties { ContentType = "application/json", Type = ReplayReport.Type, Persistent = true };
        await channel.BasicPublishAsync(ReplayReport.Exchange, report.ReplayId, mandatory: true, properties, report.ToJson());
    }

    /// <summary>Whether a report needs no further try: it is confirmed, or returned because no console listens.</summary>
    private static async Task<bool> IsSettledAsync(Task published)
    {
        try
        {
            if (!published.IsCompleted)
                return false;
            await published;
            return true;
        }
        catch (PublishException e)
        {
            return e.IsReturn;
        }
        catch (Exception e) when (e is not OperationInterruptedException { ShutdownReason.ReplyCode: Constants.AccessRefused })
        {
            return false;
        }
    }

    // During an alarm, the broker confirms nothing, and what was published arrives after it.
    private async Task EndedAsync(Task published)
    {
        while (await Task.WhenAny(published, Task.Delay(_confirmedWithin)) != published && _isBlocked)
        {
        }
    }

    private async Task<IChannel> OpenAsync()
    {
        if (_channel is { IsOpen: true } open)
            return open;
        using var deadline = new CancellationTokenSource(_timeout);
        return _channel = await OpenAsync(deadline.Token).WaitAsync(deadline.Token);
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = _connection is { IsOpen: true } open ? open : _connection = await ConnectAsync(cancellationToken);
        try
        {
            var known = await ChannelAsync(connection, cancellationToken);
            await known.ExchangeDeclarePassiveAsync(ReplayReport.Exchange, cancellationToken);
            return known;
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            var created = await ChannelAsync(connection, cancellationToken);
            await created.ExchangeDeclareAsync(ReplayReport.Exchange, ExchangeType.Topic, durable: true, autoDelete: false, cancellationToken: cancellationToken);
            return created;
        }
    }

    private static Task<IChannel> ChannelAsync(IConnection connection, CancellationToken cancellationToken) =>
        connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);

    private async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var factory = host.GetConnectionFactory();
        await host.Refresh(factory);
        var name = $"{host.ClientProvidedName ?? ThisApplication.Name} (replay reports)";
        var connection = host.EndpointResolver is { } resolver
            ? await factory.CreateConnectionAsync(resolver, name, cancellationToken)
            : await factory.CreateConnectionAsync([host.Host], name, cancellationToken);
        connection.ConnectionBlockedAsync += (_, _) => Blocked(true);
        connection.ConnectionUnblockedAsync += (_, _) => Blocked(false);
        return connection;
    }

    private Task Blocked(bool isBlocked)
    {
        _isBlocked = isBlocked;
        return Task.CompletedTask;
    }

    private static bool IsRefusal(ShutdownEventArgs? reason) => reason?.ReplyCode == Constants.AccessRefused;

    private void Refused(string reason)
    {
        _refusedAt = TimeProvider.System.GetTimestamp();
        if (_isLogged)
            return;
        _isLogged = true;
        log.Warning?.Log(
            "Replayed messages are not reported to the dead-letter console: add ^dead-letters\\.reports$ to the write permission of user {User} in virtual host {VirtualHost}, "
            + "and create the durable topic exchange {Exchange} or add it to the configure permission once ({Reason})",
            host.Username, host.VirtualHost, ReplayReport.Exchange, reason);
    }
}
