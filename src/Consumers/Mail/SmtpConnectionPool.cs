using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// Connections to the mail server that stay open between mails. Each is rented by one send at a time, checked before use, and
/// closed when nobody needs it.
/// </summary>
internal sealed class SmtpConnectionPool : IAsyncDisposable
{
    // A server that hung up shows in the socket at once; a path that silently died (NAT, firewall) only in a round trip.
    private static readonly TimeSpan _trustedWithoutAsking = TimeSpan.FromSeconds(10);

    // On a path that died nobody answers: that must not use up the mail's own deadline.
    private static readonly TimeSpan _answersWithin = TimeSpan.FromSeconds(3);

    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _free;
    private readonly Lock _gate = new();
    private readonly Stack<SmtpConnection> _idle = new(); // the warmest first, so that a quiet hour lets the rest grow old
    private readonly ITimer _sweep;
    private bool _disposed;

    public SmtpConnectionPool(IOptions<SmtpOptions> options, TimeProvider time)
    {
        _options = options.Value;
        _time = time;
        _free = new SemaphoreSlim(_options.Connections);
        _sweep = time.CreateTimer(_ => _ = CloseIdleAsync(_options.IdleTimeout), null, _options.IdleTimeout / 2, _options.IdleTimeout / 2);
    }

    /// <summary>A connection that is ready for a mail. Give it back, or dispose it after a failure.</summary>
    public async Task<SmtpConnection> RentAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        SmtpTelemetry.Used(+1);
        try
        {
            while (TakeIdle() is { } idle)
            {
                if (await IsUsableAsync(idle, cancellationToken))
                    return idle;
                idle.Client.Dispose();
            }
            return await OpenAsync(cancellationToken);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Ends a send. A connection whose dialogue broke off is closed: the next mail must not read this one's reply.</summary>
    public void Return(SmtpConnection connection, bool reusable)
    {
        connection.LastUsed = _time.GetTimestamp();
        lock (_gate)
        {
            if (reusable && connection.Client.IsConnected && !_disposed)
                PushIdle(connection);
            else
                connection.Client.Dispose();
        }
        Release();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        await _sweep.DisposeAsync();
        await CloseIdleAsync(TimeSpan.Zero);
        _free.Dispose();
    }

    // A send may outlast the pool, and must end as it would have.
    private void Release()
    {
        SmtpTelemetry.Used(-1);
        lock (_gate)
        {
            if (!_disposed)
                _free.Release();
        }
    }

    private SmtpConnection? TakeIdle()
    {
        lock (_gate)
        {
            if (!_idle.TryPop(out var connection))
                return null;
            SmtpTelemetry.Idle(-1);
            return connection;
        }
    }

    private void PushIdle(SmtpConnection connection)
    {
        _idle.Push(connection);
        SmtpTelemetry.Idle(+1);
    }

    private async Task<bool> IsUsableAsync(SmtpConnection connection, CancellationToken cancellationToken)
    {
        // Nothing is due from the server between two mails: what can be read is its goodbye.
        if (!connection.Client.IsConnected || connection.Socket.Poll(0, SelectMode.SelectRead))
            return false;
        if (_time.GetElapsedTime(connection.LastUsed) < _trustedWithoutAsking)
            return true;
        using var patience = new CancellationTokenSource(_answersWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await connection.Client.NoOpAsync(either.Token);
            return true;
        }
        catch (Exception e) when (e is IOException or SmtpCommandException or SmtpProtocolException or SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The connection that is returned owns both")]
    private async Task<SmtpConnection> OpenAsync(CancellationToken cancellationToken)
    {
        // MailKit leaves Nagle's algorithm on, which holds back the end of each large mail: it gets a socket that has it off.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var client = new SmtpClient
        {
            Timeout = Timeout.Infinite, // the sender has the deadline
            CheckCertificateRevocation = false, // an authority of one's own publishes no list, and most mail servers reach no public one
        };
        try
        {
            await socket.ConnectAsync(_options.Host!, _options.Port, cancellationToken);
            var stream = new SmtpSocketStream(socket);
            await client.ConnectAsync(stream, _options.Host!, _options.Port, _options.SocketOptions, cancellationToken);
            if (!string.IsNullOrEmpty(_options.Username))
                await LogInAsync(client, cancellationToken);
            // Wherever it is offered, MailKit would use it for an international domain; in ASCII every server behind this one can take it.
            client.Capabilities &= ~SmtpCapabilities.UTF8;
            return new SmtpConnection(client, socket, stream) { LastUsed = _time.GetTimestamp() };
        }
        catch
        {
            client.Dispose();
            socket.Dispose();
            throw;
        }
    }

    private async Task LogInAsync(SmtpClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.AuthenticateAsync(_options.Username!, _options.Password!, cancellationToken);
        }
        catch (NotSupportedException e)
        {
            throw new AuthenticationException("The server offers no login", e);
        }
    }

    private async Task CloseIdleAsync(TimeSpan longerThan)
    {
        SmtpConnection[] old;
        lock (_gate)
        {
            old = [.. _idle.Where(connection => _time.GetElapsedTime(connection.LastUsed) >= longerThan)];
            SmtpTelemetry.Idle(-old.Length);
            var kept = _idle.Except(old).Reverse().ToArray();
            _idle.Clear();
            foreach (var connection in kept)
                _idle.Push(connection);
        }
        foreach (var connection in old)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try
            {
                await connection.Client.DisconnectAsync(quit: true, patience.Token);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // It was on its way out anyway.
            }
            connection.Client.Dispose();
        }
    }
}

/// <summary>One connection, with what is under it.</summary>
internal sealed record SmtpConnection(SmtpClient Client, Socket Socket, SmtpSocketStream Stream)
{
    /// <summary>A timestamp of the pool's time provider.</summary>
    public long LastUsed { get; set; }
}
