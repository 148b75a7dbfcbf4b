using System.Net.Sockets;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// The socket stream for a dialogue with a mail server. MailKit writes blocks of 4 KB, each with its own system call and packet. This stream
/// collects them until MailKit flushes or reads, or the buffer is full.
/// </summary>
/// <param name="socket">The socket, connected. Disposed with the stream.</param>
internal sealed class SmtpSocketStream(Socket socket) : Stream
{
    private readonly NetworkStream _socket = new(socket, ownsSocket: true);
    private readonly byte[] _waiting = new byte[64 * 1024];
    private int _count;

    /// <summary>
    /// Whether the end of the written data is still in the buffer, so that the server can't have it. False after an attempt to write it, even if that
    /// failed: the server may have it then.
    /// </summary>
    public bool HoldsBack => _count > 0;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override bool CanTimeout => true;

    public override int ReadTimeout
    {
        get => _socket.ReadTimeout;
        set => _socket.ReadTimeout = value;
    }

    public override int WriteTimeout
    {
        get => _socket.WriteTimeout;
        set => _socket.WriteTimeout = value;
    }

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length > _waiting.Length - _count)
            await FlushAsync(cancellationToken);
        if (buffer.Length > _waiting.Length)
            await _socket.WriteAsync(buffer, cancellationToken);
        else
            Keep(buffer.Span);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > _waiting.Length - _count)
            Flush();
        if (buffer.Length > _waiting.Length)
            _socket.Write(buffer);
        else
            Keep(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        TakeWaiting() is { Length: > 0 } waiting ? _socket.WriteAsync(waiting, cancellationToken).AsTask() : Task.CompletedTask;

    public override void Flush()
    {
        if (TakeWaiting() is { Length: > 0 } waiting)
            _socket.Write(waiting.Span);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_count > 0) // otherwise the reply to the buffered data would never come
            await FlushAsync(cancellationToken);
        return await _socket.ReadAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer)
    {
        Flush();
        return _socket.Read(buffer);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _socket.Dispose();
        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_waiting.AsSpan(_count));
        _count += bytes.Length;
    }

    // Empties the buffer, even if the write that follows fails.
    private ReadOnlyMemory<byte> TakeWaiting()
    {
        var waiting = _waiting.AsMemory(0, _count);
        _count = 0;
        return waiting;
    }
}
