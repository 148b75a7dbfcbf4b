using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// Connections to the mail server that stay open between mails. Each is rented by one send at a time, checked before use, and
/// closed when it is idle for too long.
/// </summary>
internal sealed partial class SmtpConnectionPool : IAsyncDisposable
{
    // The socket shows at once that the server closed the connection. Only a round trip shows a path that died silently (NAT, firewall).
    private static readonly TimeSpan _trustedWithoutAsking = TimeSpan.FromSeconds(10);

    // A path that died gives no answer. Waiting for one must not use up the mail's own deadline.
    private static readonly TimeSpan _answersWithin = TimeSpan.FromSeconds(3);

    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<SmtpConnectionPool> _log;
    private readonly SmtpConnectionLimit _limit;
    private readonly Lock _gate = new();
    private readonly Stack<SmtpConnection> _idle = new(); // most recently used first, so that surplus connections reach their idle timeout
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

    /// <summary>Rents a connection that is ready for a mail. Give it back with <see cref="Return"/>, also after a failure.</summary>
    /// <exception cref="SmtpPoolBusyException">No connection became free in time.</exception>
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
            return await SmtpConnection.OpenAsync(_options, _time, cancellationToken);
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

    /// <summary>Gives a connection back. If its dialogue broke off, it is closed: the next mail must not read the reply to this one.</summary>
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
        // The server sends nothing between two mails: if there is something to read, it is closing the connection.
        if (!connection.Client.IsConnected || connection.Socket.Poll(0, SelectMode.SelectRead))
            return false;
        if (_time.GetElapsedTime(connection.LastUsed) < _trustedWithoutAsking)
            return true;
        using var timeout = new CancellationTokenSource(_answersWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
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
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try
            {
                await connection.Client.DisconnectAsync(quit: true, timeout.Token);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The connection is closed anyway.
            }
            Close(connection);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The mail server {Host}:{Port} refuses further connections ({Reply}): mails use {Limit} connections instead of Smtp__Connections={Connections}, and more are tried later")]
    private static partial void LogNarrowed(ILogger log, string? host, int port, int limit, int connections, string reply);
}
