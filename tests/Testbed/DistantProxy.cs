using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace WorkinIt.Testbed;

/// <summary>
/// A proxy that simulates a distant RabbitMQ, and queues that are too busy to answer it: RabbitMQ waits 250 ms for their counts, and then reports no messages and no
/// consumers.
/// </summary>
public sealed class DistantProxy : IAsyncDisposable
{
    private const int Head = 7; // of a frame: its type, its channel and its size
    private static readonly byte[] _declareOk = [0, 50, 0, 11];
    private static readonly TimeSpan _brokersPatience = TimeSpan.FromMilliseconds(251);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly DnsEndPoint _target;
    private readonly TimeSpan _latency;
    private readonly Task _accepting;
    private int _unanswered;

    /// <summary>Listens on a free port of 127.0.0.1.</summary>
    /// <param name="behind">The address to forward to.</param>
    /// <param name="latency">How long each response is on its way.</param>
    public DistantProxy(Uri behind, TimeSpan latency)
    {
        (_target, _latency) = (new DnsEndPoint(behind.Host, behind.Port), latency);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>The port where the proxy listens.</summary>
    public int Port { get; }

    /// <summary>How many of the next counts of queues are unanswered.</summary>
    public int Unanswered
    {
        get => Volatile.Read(ref _unanswered);
        set => Volatile.Write(ref _unanswered, value);
    }

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
            client.NoDelay = true;
            using (client)
            using (var target = new TcpClient { NoDelay = true })
            {
                await target.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                await using var near = client.GetStream();
                await using var far = target.GetStream();
                var frames = Channel.CreateUnbounded<(byte[] Frame, DateTimeOffset Due)>();
                await Task.WhenAny(near.CopyToAsync(far, _stop.Token), ReadAsync(far, frames.Writer), WriteAsync(frames.Reader, near));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side closed the connection.
        }
    }

    private async Task ReadAsync(NetworkStream from, ChannelWriter<(byte[] Frame, DateTimeOffset Due)> frames)
    {
        try
        {
            var head = new byte[Head];
            while (true)
            {
                await from.ReadExactlyAsync(head, _stop.Token);
                var frame = new byte[Head + BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(3)) + 1];
                head.CopyTo(frame, 0);
                await from.ReadExactlyAsync(frame.AsMemory(Head), _stop.Token);
                var due = DateTimeOffset.UtcNow + _latency;
                if (frame.AsSpan(Head).StartsWith(_declareOk) && Interlocked.Decrement(ref _unanswered) >= 0)
                {
                    frame.AsSpan(frame.Length - 9, 8).Clear(); // the counts of messages and consumers, before the end of the frame
                    due += _brokersPatience;
                }
                frames.TryWrite((frame, due));
            }
        }
        finally
        {
            frames.TryComplete();
        }
    }

    private async Task WriteAsync(ChannelReader<(byte[] Frame, DateTimeOffset Due)> frames, NetworkStream to)
    {
        await foreach (var (frame, due) in frames.ReadAllAsync(_stop.Token))
        {
            if (due - DateTimeOffset.UtcNow is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait, _stop.Token);
            await to.WriteAsync(frame, _stop.Token);
        }
    }
}
