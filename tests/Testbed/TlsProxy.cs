using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Testbed;

/// <summary>Terminates TLS in front of a port without TLS, as a broker's TLS listener would, and counts handshakes and bytes.</summary>
public sealed class TlsProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly X509Certificate2 _certificate;
    private readonly DnsEndPoint _target;
    private readonly Task _accepting;
    private int _handshakes;
    private long _bytes;

    /// <summary>Listens on a free port of 127.0.0.1.</summary>
    /// <param name="certificate">The server certificate.</param>
    /// <param name="host">The host to forward to.</param>
    /// <param name="port">The port to forward to.</param>
    public TlsProxy(X509Certificate2 certificate, string host, int port)
    {
        (_certificate, _target) = (certificate, new DnsEndPoint(host, port));
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>The port where the proxy listens.</summary>
    public int Port { get; }

    /// <summary>The number of clients that have accepted the certificate, which they prove by sending data.</summary>
    public int Handshakes => _handshakes;

    /// <summary>The number of bytes that clients have sent, after decryption.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting; // before Stop: a listener that is stopped between two connections throws InvalidOperationException on the next accept
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
            await using (var tls = new SslStream(client.GetStream()))
            {
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
                var buffer = new byte[16 * 1024];
                // With TLS 1.3, a client that refuses the certificate reports it after the server's part of the handshake is complete.
                if (await tls.ReadAsync(buffer, _stop.Token) is not (> 0 and var first))
                    return;
                Interlocked.Increment(ref _handshakes);
                using var target = new TcpClient { NoDelay = true };
                await target.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                await using var plain = target.GetStream();
                await CountAndWriteAsync(plain, buffer.AsMemory(0, first));
                await Task.WhenAny(CopyInAsync(tls, plain, buffer), plain.CopyToAsync(tls, _stop.Token));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            // One side closed the connection.
        }
    }

    private async Task CopyInAsync(SslStream tls, NetworkStream plain, byte[] buffer)
    {
        while (await tls.ReadAsync(buffer, _stop.Token) is > 0 and var read)
            await CountAndWriteAsync(plain, buffer.AsMemory(0, read));
    }

    private async Task CountAndWriteAsync(NetworkStream plain, ReadOnlyMemory<byte> bytes)
    {
        Interlocked.Add(ref _bytes, bytes.Length);
        await plain.WriteAsync(bytes, _stop.Token);
    }
}
