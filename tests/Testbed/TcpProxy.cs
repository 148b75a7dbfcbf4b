using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace WorkinIt.Testbed;

/// <summary>A proxy for TCP connections, which a derived class forwards in its own way.</summary>
public abstract class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly DnsEndPoint _target;
    private readonly Task _accepting;

    /// <summary>Listens on a free port of 127.0.0.1. Derived classes must not need their own constructor to forward.</summary>
    /// <param name="host">The host to forward to.</param>
    /// <param name="port">The port to forward to.</param>
    protected TcpProxy(string host, int port)
    {
        _target = new DnsEndPoint(host, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>The port where the proxy listens.</summary>
    public int Port { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _stop.CancelAsync();
        await _accepting; // before Stop: a listener that is stopped between two connections throws InvalidOperationException on the next accept
        _listener.Stop();
        await Task.WhenAll(_connections);
        _stop.Dispose();
        _listener.Dispose();
    }

    /// <summary>Forwards a connection until one side closes it.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="stopping">Ends when the proxy is stopped.</param>
    protected abstract Task ForwardAsync(TcpClient client, CancellationToken stopping);

    /// <summary>Connects to the address to forward to.</summary>
    /// <param name="target">The connection.</param>
    /// <param name="stopping">Ends the attempt.</param>
    protected ValueTask ConnectAsync(TcpClient target, CancellationToken stopping) => target.ConnectAsync(_target.Host, _target.Port, stopping);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            // The proxy was stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
                await ForwardAsync(client, _stop.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            // One side closed the connection.
        }
    }
}
