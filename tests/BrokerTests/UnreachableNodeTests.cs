using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A machine that is gone answers nothing at all, unlike one on which nobody listens.</summary>
[Trait("broker", "any")] // ports on which nobody answers
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

        // They are tried in any order: a client that gave the first one all of the time would find the living one in a third of the times. Where it
        // comes last it has a second, which the machine may stall.
        var found = 0;
        for (var time = 0; time < 6; time++)
        {
            await using var probe = new RabbitMqProbe(client);
            found += await probe.IsUpAsync(TestContext.Current.CancellationToken) ? 1 : 0;
        }
        found.ShouldBeGreaterThanOrEqualTo(5);
    }

    /// <summary>What the search throws instead would stop a service that is about to stop, as if it had crashed.</summary>
    [Fact]
    public async Task Cancelled_search_for_a_node_throws_no_connection_error()
    {
        var client = new RabbitMqClient(Options.Create(new RabbitMqOptions { RabbitMq = $"amqp://web:web@127.0.0.1:{FreePort.Take()}" }));
        await using var probe = new RabbitMqProbe(client);
        var cancelled = 0;
        for (var time = 0; time < 300; time++) // some of them in the very moment in which the connection is refused
        {
            using var cancel = new CancellationTokenSource();
            var search = probe.IsUpAsync(cancel.Token);
            Thread.SpinWait(time * 100);
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

    /// <summary>A port on which a connection is neither made nor refused: its line of those who wait is full.</summary>
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
                _sockets.Count.ShouldBeLessThan(100, "the line is never full");
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
