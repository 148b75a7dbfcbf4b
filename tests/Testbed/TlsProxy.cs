using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Testbed;

/// <summary>Terminates TLS in front of a port without TLS, as a broker's TLS listener would, and counts handshakes and bytes.</summary>
/// <param name="certificate">The server certificate.</param>
/// <param name="host">The host to forward to.</param>
/// <param name="port">The port to forward to.</param>
public sealed class TlsProxy(X509Certificate2 certificate, string host, int port) : TcpProxy(host, port)
{
    private int _handshakes;
    private long _bytes;

    /// <summary>The number of clients that have accepted the certificate, which they prove by sending data.</summary>
    public int Handshakes => _handshakes;

    /// <summary>The number of bytes that clients have sent, after decryption.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <inheritdoc/>
    protected override async Task ForwardAsync(TcpClient client, CancellationToken stopping)
    {
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stopping);
        var buffer = new byte[16 * 1024];
        // With TLS 1.3, a client that refuses the certificate reports it after the server's part of the handshake is complete.
        if (await tls.ReadAsync(buffer, stopping) is not (> 0 and var first))
            return;
        Interlocked.Increment(ref _handshakes);
        using var target = new TcpClient { NoDelay = true };
        await ConnectAsync(target, stopping);
        await using var plain = target.GetStream();
        await CountAndWriteAsync(plain, buffer.AsMemory(0, first), stopping);
        await Task.WhenAny(CopyInAsync(tls, plain, buffer, stopping), plain.CopyToAsync(tls, stopping));
    }

    private async Task CopyInAsync(SslStream tls, NetworkStream plain, byte[] buffer, CancellationToken stopping)
    {
        while (await tls.ReadAsync(buffer, stopping) is > 0 and var read)
            await CountAndWriteAsync(plain, buffer.AsMemory(0, read), stopping);
    }

    private async Task CountAndWriteAsync(NetworkStream plain, ReadOnlyMemory<byte> bytes, CancellationToken stopping)
    {
        Interlocked.Add(ref _bytes, bytes.Length);
        await plain.WriteAsync(bytes, stopping);
    }
}
