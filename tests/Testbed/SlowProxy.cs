using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>A proxy that simulates a slow connection: it forwards responses in slices, with a pause after each.</summary>
public sealed class SlowProxy : IAsyncDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly DnsEndPoint _target;
    private readonly int _slice;
    private readonly Task _accepting;

    /// <summary>Listens on a free port of 127.0.0.1.</summary>
    /// <param name="behind">The address to forward to.</param>
    /// <param name="bytesPerSecond">The rate of the responses.</param>
    public SlowProxy(Uri behind, int bytesPerSecond)
    {
        (_target, _slice) = (new DnsEndPoint(behind.Host, behind.Port), (int)(bytesPerSecond * _pause.TotalSeconds));
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>The port where the proxy listens.</summary>
    public int Port { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _stop.Dispose();
        _listener.Dispose();
    }

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
            using (var target = new TcpClient { NoDelay = true, ReceiveBufferSize = _slice })
            {
                await target.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                await using var near = client.GetStream();
                await using var far = target.GetStream();
                await Task.WhenAny(near.CopyToAsync(far, _stop.Token), CopySlowlyAsync(far, near));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side closed the connection.
        }
    }

    private async Task CopySlowlyAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[_slice];
        while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var read)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            await Task.Delay(_pause * ((double)read / _slice), _stop.Token);
        }
    }
}
