using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using WorkinIt.Dev.Machine;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>An unreachable machine does not answer at all; a machine without a listener refuses the connection.</summary>
[Trait("broker", "any")] // tests ports that do not answer
public sealed class UnreachableNodeTests
{
    [Fact]
    public async Task Unreachable_nodes_do_not_hide_a_live_node_from_the_health_check()
    {
        using var broker = TestBroker.FromEnvironment();
        using var first = new SilentPort();
        using var second = new SilentPort();
        var nodes = $"127.0.0.1:{first.Number},127.0.0.1:{second.Number},{broker.Amqp.Host}:{broker.Amqp.Port}";
        var client = new RabbitMqClient(Options.Create(new RabbitMqOptions { RabbitMq = $"amqp://{broker.Amqp.UserInfo}@{nodes}" }));

        // The nodes are tried in any order: a client that spent all its time on the first one would find the live one in a third of the runs. If the
        // live node comes last, the client has one second left for it; a busy machine may use that up.
        var found = 0;
        for (var run = 0; run < 6; run++)
        {
            await using var probe = new RabbitMqProbe(client);
            found += await probe.IsUpAsync(TestContext.Current.CancellationToken) ? 1 : 0;
        }
        found.ShouldBeGreaterThanOrEqualTo(5);
    }

    /// <summary>Any other exception would end a service that is already shutting down as if it had crashed.</summary>
    [Fact]
    public async Task Cancelled_search_for_a_node_throws_no_connection_error()
    {
        var client = new RabbitMqClient(Options.Create(new RabbitMqOptions { RabbitMq = $"amqp://web:web@127.0.0.1:{Ports.TakeFree()}" }));
        await using var probe = new RabbitMqProbe(client);
        var cancelled = 0;
        for (var run = 0; run < 300; run++) // some of the cancellations coincide with the refused connection
        {
            using var cancel = new CancellationTokenSource();
            var search = probe.IsUpAsync(cancel.Token);
            Thread.SpinWait(run * 100);
            await cancel.CancelAsync();
            try
            {
                (await search).ShouldBeFalse();
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }
        }
        cancelled.ShouldBeGreaterThan(0);
    }

    /// <summary>A port that neither accepts nor refuses connections, because its listen backlog is full.</summary>
    private sealed class SilentPort : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public SilentPort()
        {
            var listener = NewSocket();
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(0);
            Number = ((IPEndPoint)listener.LocalEndPoint!).Port;
            while (NewSocket().ConnectAsync(listener.LocalEndPoint).Wait(TimeSpan.FromMilliseconds(200)))
                _sockets.Count.ShouldBeLessThan(100, "the listen backlog does not fill up");
        }

        public int Number { get; }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

        private Socket NewSocket()
        {
            _sockets.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            return _sockets[^1];
        }
    }
}
