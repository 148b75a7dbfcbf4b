using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>A proxy that simulates a slow connection: it forwards responses in slices, with a pause after each.</summary>
/// <param name="behind">The address to forward to.</param>
/// <param name="bytesPerSecond">The rate of the responses.</param>
public sealed class SlowProxy(Uri behind, int bytesPerSecond) : TcpProxy(behind.Host, behind.Port)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    private readonly int _slice = (int)(bytesPerSecond * _pause.TotalSeconds);

    /// <inheritdoc/>
    protected override async Task ForwardAsync(TcpClient client, CancellationToken stopping)
    {
        using var target = new TcpClient { NoDelay = true, ReceiveBufferSize = _slice };
        await ConnectAsync(target, stopping);
        await using var near = client.GetStream();
        await using var far = target.GetStream();
        await Task.WhenAny(near.CopyToAsync(far, stopping), CopySlowlyAsync(far, near, stopping));
    }

    private async Task CopySlowlyAsync(NetworkStream from, NetworkStream to, CancellationToken stopping)
    {
        var buffer = new byte[_slice];
        while (await from.ReadAsync(buffer, stopping) is > 0 and var read)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), stopping);
            await Task.Delay(_pause * ((double)read / _slice), stopping);
        }
    }
}
