using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>
/// Something on the way to a port that may forget a connection, as a firewall does: what is sent on it is swallowed, in both directions, and
/// nobody hangs up. Connections that are made later work.
/// </summary>
public sealed class SwallowingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly DnsEndPoint _behind;
    private readonly Task _accepting;
    private volatile CancellationTokenSource _swallow = new();

    /// <summary>Listens on a free port of 127.0.0.1.</summary>
    /// <param name="host">Where what comes through goes.</param>
    /// <param name="port">Its port.</param>
    public SwallowingProxy(string host, int port)
    {
        _behind = new DnsEndPoint(host, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>How many connections came through so far.</summary>
    public int Connections => _connections.Count;

    /// <summary>Forgets all connections that there are.</summary>
    public Task SwallowAsync() => Interlocked.Exchange(ref _swallow, new CancellationTokenSource()).CancelAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _stop.Dispose();
        _swallow.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token), _swallow.Token));
        }
        catch (OperationCanceledException)
        {
            // It was stopped.
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken swallowed)
    {
        try
        {
            using var behind = new TcpClient { NoDelay = true };
            using (client)
            {
                client.NoDelay = true;
                await behind.ConnectAsync(_behind.Host, _behind.Port, _stop.Token);
                await Task.WhenAny(CopyAsync(client, behind, swallowed), CopyAsync(behind, client, swallowed));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two hung up.
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, CancellationToken swallowed)
    {
        var buffer = new byte[16 * 1024];
        while (await from.GetStream().ReadAsync(buffer, _stop.Token) is > 0 and var read)
        {
            if (!swallowed.IsCancellationRequested)
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
        if (swallowed.IsCancellationRequested)
            await Task.Delay(Timeout.Infinite, _stop.Token); // the other side does not hear of the end either
    }
}
