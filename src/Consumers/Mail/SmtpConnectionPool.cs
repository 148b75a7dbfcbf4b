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
internal sealed partial class SmtpConnectionPool : IAsyncDisposable
{
    // A server that hung up shows in the socket at once; a path that silently died (NAT, firewall) only in a round trip.
    private static readonly TimeSpan _trustedWithoutAsking = TimeSpan.FromSeconds(10);

    // On a path that died nobody answers: that must not use up the mail's own deadline.
    private static readonly TimeSpan _answersWithin = TimeSpan.FromSeconds(3);

    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<SmtpConnectionPool> _log;
    private readonly SmtpConnectionLimit _limit;
    private readonly Lock _gate = new();
    private readonly Stack<SmtpConnection> _idle = new(); // the warmest first, so that a quiet hour lets the rest grow old
    private readonly ITimer _sweep;
    private bool _disposed;

    public SmtpConnectionPool(IOptions<SmtpOptions> options, TimeProvider time, ILogger<SmtpConnectionPool> log)
    {
        _options = options.Value;
        _time = time;
        _log = log;
        _limit = new SmtpConnectionLimit(_options.Connections, time);
        _sweep = time.CreateTimer(_ => _ = CloseIdleAsync(_options.IdleTimeout), null, _options.IdleTimeout / 2, _options.IdleTimeout / 2);
    }

    /// <summary>A connection that is ready for a mail. Give it back, or dispose it after a failure.</summary>
    /// <exception cref="SmtpPoolBusyException">None became free in time.</exception>
    public async Task<SmtpConnection> RentAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await _limit.EnterAsync(cancellationToken);
            }
            catch (OperationCanceledException e)
            {
                throw new SmtpPoolBusyException(_limit.Current, e);
            }
            SmtpTelemetry.Used(+1);
            try
            {
                return await IdleOrNewAsync(cancellationToken);
            }
            catch (SmtpPutOffException e) when (_limit.TryNarrow())
            {
                SmtpTelemetry.Used(-1);
                LogNarrowed(_log, _options.Host, _options.Port, _limit.Current, _options.Connections, e.Reply);
            }
            catch
            {
                Release();
                throw;
            }
        }
    }

    private async Task<SmtpConnection> IdleOrNewAsync(CancellationToken cancellationToken)
    {
        while (TakeIdle() is { } idle)
        {
            if (await IsUsableAsync(idle, cancellationToken))
                return idle;
            Close(idle);
        }
        _limit.Opening();
        try
        {
            return await OpenAsync(cancellationToken);
        }
        catch
        {
            _limit.Closed();
            throw;
        }
    }

    private void Close(SmtpConnection connection)
    {
        connection.Client.Dispose();
        _limit.Closed();
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
                Close(connection);
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
        _limit.Dispose();
    }

    private void Release()
    {
        SmtpTelemetry.Used(-1);
        _limit.Leave();
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
        var client = new FirstDigitSmtpClient(new LastReply())
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
        catch (Exception e)
        {
            client.Dispose();
            socket.Dispose();
            if (SmtpReplies.IsPutOff(e, client.LastCode))
                throw new SmtpPutOffException(client.LastCode, e);
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
            Close(connection);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The mail server {Host}:{Port} takes no further connection now ({Reply}): mails go out over {Limit} instead of Smtp__Connections={Connections}, and more are tried again later")]
    private static partial void LogNarrowed(ILogger log, string? host, int port, int limit, int connections, string reply);
}

/// <summary>All connections were busy until the mail's deadline: the server was not asked.</summary>
internal sealed class SmtpPoolBusyException(int connections, Exception inner) : Exception($"all {connections} connections to the mail server were busy", inner);

/// <summary>The server wants this connection later: it said 4xx before it could be used.</summary>
internal sealed class SmtpPutOffException(SmtpStatusCode? code, Exception inner) : Exception(inner.Message, inner)
{
    /// <summary>The code alone: the server's words may hold an address.</summary>
    public string Reply { get; } = $"{(int?)code}";
}

/// <summary>One connection, with what is under it.</summary>
internal sealed record SmtpConnection(SmtpClient Client, Socket Socket, SmtpSocketStream Stream)
{
    /// <summary>A timestamp of the pool's time provider.</summary>
    public long LastUsed { get; set; }
}
