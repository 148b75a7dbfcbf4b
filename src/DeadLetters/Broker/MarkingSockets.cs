using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Connects RabbitMQ.Client to the broker, and marks the <see cref="EmptyFields"/> in what it reads. TLS is handled here, because the client would
/// wrap it around the marking stream, which would then see encrypted bytes.
/// </summary>
/// <param name="endpoints">The nodes of the broker.</param>
internal sealed class MarkingSockets(IEnumerable<AmqpTcpEndpoint> endpoints) : IEndpointResolver
{
    private SslOption? _tls;

    public IEnumerable<AmqpTcpEndpoint> All()
    {
        var nodes = endpoints.ToArray();
        RandomNumberGenerator.Shuffle<AmqpTcpEndpoint>(nodes); // as the client does, so that one node does not get all connections
        foreach (var endpoint in nodes)
        {
            _tls = endpoint.Ssl.Enabled ? endpoint.Ssl : null; // the client connects to the endpoint that it received last
            yield return new AmqpTcpEndpoint(endpoint.HostName, endpoint.Port) { AddressFamily = endpoint.AddressFamily };
        }
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The client disposes its socket")]
    public ITcpClient Create(AddressFamily family) => new Client(new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, _tls);

    private sealed class Client(Socket socket, SslOption? tls) : TcpClientAdapter(socket)
    {
        private Stream? _encrypted;

        public override async Task ConnectAsync(IPAddress ep, int port, CancellationToken cancellationToken = default)
        {
            await base.ConnectAsync(ep, port, cancellationToken);
            if (tls is null)
                return;
            var stream = new SslStream(new NetworkStream(Client), leaveInnerStreamOpen: false, tls.CertificateValidationCallback);
            _encrypted = stream;
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = tls.ServerName, EnabledSslProtocols = tls.Version, CertificateRevocationCheckMode = X509RevocationMode.NoCheck }, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _encrypted?.Dispose();
            base.Dispose(disposing);
        }

        public override NetworkStream GetStream() => new Marking(Client, _encrypted ?? base.GetStream());
    }

    // Derived from NetworkStream because the client requires one.
    private sealed class Marking(Socket socket, Stream inner) : NetworkStream(socket)
    {
        private const int ReadAtOnce = 64 * 1024;

        private readonly MarkedFrames _frames = new();
        private readonly byte[] _read = new byte[ReadAtOnce];

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!_frames.HasSome)
            {
                var count = await inner.ReadAsync(_read, cancellationToken);
                if (count == 0)
                    return 0;
                _frames.Add(_read.AsSpan(0, count));
            }
            return _frames.Take(buffer.Span);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(Span<byte> buffer) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
