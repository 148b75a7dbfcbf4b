using Amqp;
using Amqp.Framing;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>An application that speaks AMQP 1.0 with the broker.</summary>
internal sealed class Amqp10Client : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly Session _session;
    private readonly bool _isOld;
    private int _links;

    private Amqp10Client(Connection connection, Version broker) => (_connection, _session, _isOld, Broker) = (connection, new Session(connection), broker.Major < 4, broker);

    /// <summary>The version of the broker.</summary>
    public Version Broker { get; }

    /// <summary>Whether the broker keeps what AMQP 0-9-1 has no place for in headers, so that no move loses it.</summary>
    public bool KeepsAll => _isOld;

    public static async Task<Amqp10Client> ConnectAsync(Orders orders)
    {
        var broker = TestBroker.FromEnvironment();
        await broker.EnableAmqp10Async();
        var open = new Open { ContainerId = "shop", HostName = $"vhost:{orders.VirtualHost.Name}" };
        var connection = await Connection.Factory.CreateAsync(new Address($"amqp://operator:operator@{broker.Amqp.Host}:{broker.Amqp.Port}"), open, null);
        return new Amqp10Client(connection, Version.Parse(await broker.VersionAsync()));
    }

    /// <summary>Sends a message to a queue. Returns after the broker has accepted it.</summary>
    public async Task SendAsync(string queue, Message message)
    {
        var sender = new SenderLink(_session, $"sender-{++_links}", Address(queue));
        await sender.SendAsync(message);
        await sender.CloseAsync();
    }

    /// <summary>Takes the first message of a queue.</summary>
    public async Task<Message> TakeAsync(string queue)
    {
        var receiver = new ReceiverLink(_session, $"receiver-{++_links}", Address(queue));
        var message = await receiver.ReceiveAsync(TimeSpan.FromMinutes(1));
        message.ShouldNotBeNull($"no message in {queue}");
        receiver.Accept(message);
        await receiver.CloseAsync();
        return message;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _connection.CloseAsync();
        }
        catch (AmqpException)
        {
            // The broker may hang up first; AMQPNetLite then reports that its transport is closed.
        }
    }

    private string Address(string queue) => (_isOld ? "/amq/queue/" : "/queues/") + queue;
}
