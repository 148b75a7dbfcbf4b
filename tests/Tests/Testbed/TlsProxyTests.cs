using System.Net;
using System.Net.Sockets;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Testbed;

public sealed class TlsProxyTests
{
    [Fact]
    public async Task TLS_proxy_closes_while_clients_are_still_connecting()
    {
        using var certificate = TestAuthority.SelfSigned("localhost");
        var cancellationToken = TestContext.Current.CancellationToken;
        for (var i = 0; i < 100; i++)
        {
            var proxy = new TlsProxy(certificate, "127.0.0.1", 1);
            var connecting = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ConnectUntilRefusedAsync(proxy.Port, cancellationToken)));
            await Task.Delay(i % 5, cancellationToken);
            await proxy.DisposeAsync();
            await connecting;
        }
    }

    private static async Task ConnectUntilRefusedAsync(int port, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            }
        }
        catch (SocketException)
        {
            // The proxy is closed.
        }
    }
}
