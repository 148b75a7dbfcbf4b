using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Channels;

namespace WorkinIt.Testbed;

/// <summary>
/// A proxy that simulates a distant RabbitMQ, and queues that are too busy to answer it: RabbitMQ waits 250 ms for their counts, and then reports no messages and no
/// consumers.
/// </summary>
/// <param name="behind">The address to forward to.</param>
/// <param name="latency">How long each response is on its way.</param>
public sealed class DistantProxy(Uri behind, TimeSpan latency) : TcpProxy(behind.Host, behind.Port)
{
    private const int Head = 7; // of a frame: its type, its channel and its size
    private static readonly byte[] _declareOk = [0, 50, 0, 11];
    private static readonly TimeSpan _brokersPatience = TimeSpan.FromMilliseconds(251);

    private int _unanswered;

    /// <summary>How many of the next counts of queues are unanswered.</summary>
    public int Unanswered
    {
        get => Volatile.Read(ref _unanswered);
        set => Volatile.Write(ref _unanswered, value);
    }

    /// <inheritdoc/>
    protected override async Task ForwardAsync(TcpClient client, CancellationToken stopping)
    {
        client.NoDelay = true;
        using var target = new TcpClient { NoDelay = true };
        await ConnectAsync(target, stopping);
        await using var near = client.GetStream();
        await using var far = target.GetStream();
        var frames = Channel.CreateUnbounded<(byte[] Frame, DateTimeOffset Due)>();
        await Task.WhenAny(near.CopyToAsync(far, stopping), ReadAsync(far, frames.Writer, stopping), WriteAsync(frames.Reader, near, stopping));
    }

    private async Task ReadAsync(NetworkStream from, ChannelWriter<(byte[] Frame, DateTimeOffset Due)> frames, CancellationToken stopping)
    {
        try
        {
            var head = new byte[Head];
            while (true)
            {
                await from.ReadExactlyAsync(head, stopping);
                var frame = new byte[Head + BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(3)) + 1];
                head.CopyTo(frame, 0);
                await from.ReadExactlyAsync(frame.AsMemory(Head), stopping);
                var due = DateTimeOffset.UtcNow + latency;
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

    private static async Task WriteAsync(ChannelReader<(byte[] Frame, DateTimeOffset Due)> frames, NetworkStream to, CancellationToken stopping)
    {
        await foreach (var (frame, due) in frames.ReadAllAsync(stopping))
        {
            if (due - DateTimeOffset.UtcNow is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait, stopping);
            await to.WriteAsync(frame, stopping);
        }
    }
}
