using System.Buffers.Binary;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>
/// A proxy for AMQP 0-9-1 that closes a connection with 541 when the broker sends a message with a marker in its properties. RabbitMQ does that with a message that
/// it can't convert; no such message is needed, and the broker stays unharmed.
/// </summary>
/// <param name="broker">The broker.</param>
/// <param name="marker">The marker.</param>
public sealed class ClosingProxy(Uri broker, byte[] marker) : TcpProxy(broker.Host, broker.Port)
{
    private const byte Properties = 2; // the frame type
    private const int Header = 7; // type, channel, size

    // connection.close: frame type 1, channel 0, class 10, method 50, code 541, a text, and no method that failed.
    private static readonly byte[] _close = [1, 0, 0, 0, 0, 0, 25, 0, 10, 0, 50, 0x02, 0x1d, 14, .. "INTERNAL_ERROR"u8, 0, 0, 0, 0, 0xce];

    /// <inheritdoc/>
    protected override async Task ForwardAsync(TcpClient client, CancellationToken stopping)
    {
        using var target = new TcpClient { NoDelay = true };
        client.NoDelay = true;
        await ConnectAsync(target, stopping);
        await Task.WhenAny(client.GetStream().CopyToAsync(target.GetStream(), stopping), AnswerAsync(target.GetStream(), client.GetStream(), stopping));
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to, CancellationToken stopping)
    {
        while (true)
        {
            var header = new byte[Header];
            await from.ReadExactlyAsync(header, stopping);
            var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(3)) + 1];
            await from.ReadExactlyAsync(rest, stopping);
            if (header[0] == Properties && rest.AsSpan().IndexOf(marker) >= 0)
            {
                await to.WriteAsync(_close, stopping);
                await Task.Delay(Timeout.Infinite, stopping); // the client hangs up
            }
            await to.WriteAsync(header, stopping);
            await to.WriteAsync(rest, stopping);
        }
    }
}
