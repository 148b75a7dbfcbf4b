using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>
/// A proxy that can drop a connection silently, as a firewall does: it discards the data in both directions and closes neither side. Later
/// connections work.
/// </summary>
public sealed class SwallowingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly DnsEndPoint _target;
    private readonly Task _accepting;
    private readonly List<Line> _lines = [];
    private volatile CancellationTokenSource _swallow = new();

    /// <summary>Listens on a free port of 127.0.0.1.</summary>
    /// <param name="host">The host to forward to.</param>
    /// <param name="port">The port to forward to.</param>
    public SwallowingProxy(string host, int port)
    {
        _target = new DnsEndPoint(host, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>The port where the proxy listens.</summary>
    public int Port { get; }

    /// <summary>The number of connections so far.</summary>
    public int Connections => _connections.Count;

    /// <summary>Silently discards the data of one connection from now on.</summary>
    /// <param name="number">The number of the connection, in the order of arrival, from 0.</param>
    public Task SwallowAsync(int number) => LineOf(number).Swallowed.CancelAsync();

    /// <summary>Closes one connection on both sides.</summary>
    /// <param name="number">The number of the connection, in the order of arrival, from 0.</param>
    public Task HangUpAsync(int number) => LineOf(number).HungUp.CancelAsync();

    /// <summary>Silently discards the data of all current connections from now on.</summary>
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
        foreach (var line in _lines)
            line.Dispose();
    }

    private Line LineOf(int number)
    {
        lock (_lines)
            return _lines[number];
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                var line = new Line(CancellationTokenSource.CreateLinkedTokenSource(_swallow.Token), CancellationTokenSource.CreateLinkedTokenSource(_stop.Token));
                lock (_lines)
                    _lines.Add(line);
                _connections.Add(ServeAsync(client, line));
            }
        }
        catch (OperationCanceledException)
        {
            // The proxy was stopped.
        }
    }

    private async Task ServeAsync(TcpClient client, Line line)
    {
        try
        {
            using var target = new TcpClient { NoDelay = true };
            using (client)
            {
                client.NoDelay = true;
                await target.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                await Task.WhenAny(CopyAsync(client, target, line.Swallowed.Token), CopyAsync(target, client, line.Swallowed.Token), Task.Delay(Timeout.Infinite, line.HungUp.Token));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side closed the connection.
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
            await Task.Delay(Timeout.Infinite, _stop.Token); // the other side must not notice the end either
    }

    private sealed record Line(CancellationTokenSource Swallowed, CancellationTokenSource HungUp) : IDisposable
    {
        public void Dispose()
        {
            Swallowed.Dispose();
            HungUp.Dispose();
        }
    }
}
