using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace WorkinIt.Testbed;

/// <summary>One connection: the SMTP session, with the failures that the test has configured.</summary>
internal sealed class SmtpSession : IAsyncDisposable
{
    private readonly SmtpServer _server;
    private readonly Socket _socket;
    private readonly int _number;
    private readonly CancellationToken _stop;
    private readonly List<string> _recipients = [];
    private Stream _stream;
    private PipeReader _input;
    private PipeWriter _output;
    private SmtpBehaviour? _behaviour;
    private SmtpBehaviour? _connectionBehaviour;
    private string? _sender;
    private int _transaction;
    private bool _encrypted;
    private bool _authenticated;

    public SmtpSession(SmtpServer server, Socket socket, int number, CancellationToken stop)
    {
        (_server, _socket, _number, _stop) = (server, socket, number, stop);
        socket.NoDelay = true;
        _stream = new NetworkStream(socket, ownsSocket: true);
        (_input, _output) = Pipes(_stream);
    }

    private bool InTransaction => _sender is not null;

    private SmtpTransaction Transaction(SmtpStage stage, string? messageId = null) =>
        new(_number, _transaction, stage, _sender, _recipients.FirstOrDefault(), messageId);

    public async Task RunAsync()
    {
        try
        {
            if (_server.Options.Tls == SmtpServerTls.Implicit)
                await EncryptAsync();
            if (_server.TryAdmit())
                await ServeAsync();
            else
                Write("421 4.7.0 testbed Error: too many connections\r\n");
            await _output.FlushAsync(_stop);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or AuthenticationException)
        {
            // The client disconnected, or the server stops. The mails taken so far are already recorded.
        }
        finally
        {
            EndTransaction();
        }
    }

    private async Task ServeAsync()
    {
        try
        {
            _connectionBehaviour = _server.DecideConnection(_number);
            var continues = await AnswerOfConnectionAsync(SmtpStage.Greeting, "220 testbed ESMTP\r\n");
            while (continues && await ReadLineAsync() is { } line)
                continues = await HandleAsync(line);
        }
        finally
        {
            _server.EndAdmission();
        }
    }

    private async ValueTask<bool> AnswerOfConnectionAsync(SmtpStage stage, string defaultReply)
    {
        var mailBehaviour = _behaviour;
        _behaviour = _connectionBehaviour;
        var continues = await AnswerAsync(stage, defaultReply);
        _behaviour = mailBehaviour;
        return continues;
    }

    public async ValueTask DisposeAsync()
    {
        // Shut down first, so that the client can read everything that was written. Data that the client sends later is lost: that is the intended cut.
        HangUp(_socket);
        await _stream.DisposeAsync();
    }

    /// <summary>Closes the connection gracefully: data that was written still arrives.</summary>
    public static void HangUp(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already closed.
        }
    }

    /// <returns>Whether the session continues.</returns>
    private async ValueTask<bool> HandleAsync(string line)
    {
        var verb = line.AsSpan(0, line.AsSpan().IndexOf(' ') is var gap and >= 0 ? gap : line.Length);
        if (Is(verb, "MAIL"))
            return await MailAsync(line);
        if (Is(verb, "RCPT"))
            return await RecipientAsync(line);
        if (Is(verb, "DATA"))
            return await DataAsync();
        if (Is(verb, "EHLO") || Is(verb, "HELO"))
            return await AnswerOfConnectionAsync(SmtpStage.Ehlo, Is(verb, "EHLO") ? Capabilities() : "250 testbed\r\n");
        if (Is(verb, "NOOP"))
            return await NoopAsync();
        if (Is(verb, "RSET"))
        {
            EndTransaction();
            return Write("250 2.0.0 Forgotten\r\n");
        }
        if (Is(verb, "AUTH") && _server.Options.Username is not null && !_authenticated)
            return await AuthenticateAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (Is(verb, "STARTTLS") && _server.Options.Tls == SmtpServerTls.StartTls && !_encrypted)
            return await StartTlsAsync();
        if (Is(verb, "QUIT"))
            return !Write("221 2.0.0 Bye\r\n");
        return ProtocolError("502 5.5.1 Unknown here", line);
    }

    private static bool Is(ReadOnlySpan<char> verb, string command) => verb.Equals(command, StringComparison.OrdinalIgnoreCase);

    private async ValueTask<bool> NoopAsync()
    {
        var mailBehaviour = _behaviour;
        _behaviour = _server.DecideNoop();
        var continues = await AnswerAsync(SmtpStage.Noop, "250 2.0.0 Here\r\n");
        _behaviour = mailBehaviour;
        return continues;
    }

    private async ValueTask<bool> MailAsync(string line)
    {
        if (InTransaction)
            return ProtocolError("503 5.5.1 One mail at a time", line);
        if (_server.Options.Tls == SmtpServerTls.StartTls && !_encrypted)
            return Write("530 5.7.0 STARTTLS first\r\n");
        if (_server.Options.Username is not null && !_authenticated)
            return Write("530 5.7.0 Authentication first\r\n");
        if (Path(line) is not { } sender)
            return ProtocolError("501 5.5.4 MAIL FROM:<address>", line);

        _sender = sender;
        _transaction = _server.BeginTransaction();
        if (!await AnswerAsync(SmtpStage.Mail, "250 2.1.0 Fine\r\n"))
            return false;
        if (RefusedAt(SmtpStage.Mail))
            EndTransaction();
        return true;
    }

    private async ValueTask<bool> RecipientAsync(string line)
    {
        if (!InTransaction)
            return Write("503 5.5.1 MAIL first\r\n"); // not a protocol error: a pipelining client sends RCPT before it knows that its MAIL was refused
        if (Path(line) is not { Length: > 0 } recipient)
            return ProtocolError("501 5.5.4 RCPT TO:<address>", line);
        if (!_server.Options.SmtpUtf8 && !Ascii.IsValid(recipient))
            return Write("553 5.6.7 ASCII addresses only\r\n");

        _recipients.Add(recipient);
        if (!await AnswerAsync(SmtpStage.Rcpt, "250 2.1.5 Fine\r\n"))
            return false;
        if (RefusedAt(SmtpStage.Rcpt))
            _recipients.Remove(recipient);
        return true;
    }

    private async ValueTask<bool> DataAsync()
    {
        if (!InTransaction || _recipients.Count == 0)
            return Write("503 5.5.1 MAIL and RCPT first\r\n");
        if (!await AnswerAsync(SmtpStage.Data, "354 Go on\r\n"))
            return false;
        if (_behaviour is { Action: SmtpAction.Reply, Stage: SmtpStage.Data, Code: < 300 or >= 400 })
        {
            EndTransaction();
            return true;
        }

        await _output.FlushAsync(_stop);
        if (await ReadMailAsync() is not { } mail)
            return false;
        var continues = await AnswerMailAsync(mail);
        EndTransaction();
        return continues;
    }

    private async ValueTask<ReceivedMail?> ReadMailAsync()
    {
        var cutAfter = _behaviour is { Action: SmtpAction.CutInBody, Bytes: var bytes } ? bytes : long.MaxValue;
        while (true)
        {
            var read = await _input.ReadAsync(_stop);
            if (read.Buffer.Length >= cutAfter)
                return null;
            if (SmtpWire.TryCutMail(read.Buffer, out var content, out var end))
            {
                var mail = cutAfter < long.MaxValue ? null : new ReceivedMail(
                    SmtpWire.MessageId(content), _sender!, [.. _recipients], _number, _server.Options.KeepContent ? SmtpWire.WithoutStuffing(content) : []);
                _input.AdvanceTo(end);
                return mail;
            }
            if (read.IsCompleted)
                return null;
            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private async ValueTask<bool> AnswerMailAsync(ReceivedMail mail)
    {
        _behaviour ??= _server.DecideMail(Transaction(SmtpStage.AfterDot, mail.MessageId));
        if (RefusedAt(SmtpStage.AfterDot))
            return await AnswerAsync(SmtpStage.AfterDot, "");

        _server.Take(mail);
        if (!await ReadyToAnswerAsync(SmtpStage.AfterDot))
            return false;
        if (_behaviour is not { Action: SmtpAction.Reply, Stage: SmtpStage.AfterDot, Code: < 200 or >= 300 })
            _server.Accept(mail);
        try
        {
            await WriteReplyAsync(ScriptedReply(SmtpStage.AfterDot) ?? "250 2.0.0 Taken\r\n");
            await _output.FlushAsync(_stop);
        }
        catch
        {
            _server.TakeBack(mail);
            throw;
        }
        return _behaviour?.Action != SmtpAction.CutAfterReply;
    }

    private bool RefusedAt(SmtpStage stage) => _behaviour is { Action: SmtpAction.Reply } reply && reply.Stage == stage && reply.Code is >= 400 and < 600;

    /// <summary>Sends the default reply, or the reply of the behaviour.</summary>
    /// <returns>Whether the session continues.</returns>
    private async ValueTask<bool> AnswerAsync(SmtpStage stage, string defaultReply)
    {
        if (stage is SmtpStage.Mail or SmtpStage.Rcpt or SmtpStage.Data)
            _behaviour ??= _server.DecideMail(Transaction(stage));
        if (!await ReadyToAnswerAsync(stage))
            return false;
        if (ScriptedReply(stage) is not { } reply)
        {
            await WriteReplyAsync(defaultReply);
            return true;
        }
        if (InTransaction && _behaviour!.Code >= 400)
            _server.CountRefusal();
        await WriteReplyAsync(reply);
        return _behaviour!.Code != 421 && (stage != SmtpStage.Greeting || _behaviour.Code < 400);
    }

    private string? ScriptedReply(SmtpStage stage) => _behaviour is { Action: SmtpAction.Reply } reply && reply.Stage == stage
        ? SmtpWire.Reply(reply.Code, reply.Text
            .Replace("{recipient}", _recipients.FirstOrDefault(), StringComparison.Ordinal)
            .Replace("{sender}", _sender, StringComparison.Ordinal))
        : null;

    /// <summary>Delays, stalls or cuts if the behaviour requires it.</summary>
    private async ValueTask<bool> ReadyToAnswerAsync(SmtpStage stage)
    {
        if (_behaviour is not { } behaviour)
            return true;
        if (behaviour.Delay > TimeSpan.Zero)
            await Task.Delay(behaviour.Delay, _stop);
        return behaviour.Stage != stage || behaviour.Action switch
        {
            SmtpAction.Cut => false,
            SmtpAction.Stall => await StallAsync(),
            _ => true,
        };
    }

    /// <returns>Whether the client is still connected.</returns>
    private async Task<bool> StallAsync()
    {
        await _output.FlushAsync(_stop);
        await using var released = _server.BeginStall(_input.CancelPendingRead);
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync(_stop);
                _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCanceled || read.IsCompleted)
                    return read.IsCanceled;
            }
        }
        finally
        {
            _server.EndStall();
        }
    }

    private async ValueTask<bool> StartTlsAsync()
    {
        var continues = await AnswerOfConnectionAsync(SmtpStage.StartTls, "220 2.0.0 Go on\r\n");
        if (!continues || _connectionBehaviour is { Action: SmtpAction.Reply, Stage: SmtpStage.StartTls, Code: not 220 })
            return continues;
        await _output.FlushAsync(_stop);
        await EncryptAsync();
        return true;
    }

    private async Task EncryptAsync()
    {
        var tls = new SslStream(_stream);
        _stream = tls;
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _server.Options.Certificate }, _stop);
        (_input, _output) = Pipes(tls);
        _encrypted = true;
    }

    private async ValueTask<bool> AuthenticateAsync(string[] words)
    {
        var (user, password) = words switch
        {
            [_, var plain, .. var initial] when Is(plain, "PLAIN") => SmtpWire.PlainCredentials(initial is [var response] ? response : await AskAsync("")),
            [_, var login, .. var initial] when Is(login, "LOGIN") => (
                SmtpWire.FromBase64(initial is [var name] ? name : await AskAsync("VXNlcm5hbWU6")), SmtpWire.FromBase64(await AskAsync("UGFzc3dvcmQ6"))),
            _ => (null, null),
        };
        _server.CountLogin();
        var isRight = user == _server.Options.Username && password == _server.Options.Password;
        _authenticated = isRight && _connectionBehaviour is not { Stage: SmtpStage.Login, Code: not 235 };
        return await AnswerOfConnectionAsync(SmtpStage.Login, isRight ? "235 2.7.0 Welcome\r\n" : "535 5.7.8 Wrong user or password\r\n");
    }

    private async ValueTask<string> AskAsync(string challenge)
    {
        Write($"334 {challenge}\r\n");
        return await ReadLineAsync() ?? throw new IOException("The client disconnected during its login");
    }

    private string Capabilities()
    {
        var reply = new StringBuilder("250-testbed\r\n250-8BITMIME\r\n");
        if (_server.Options.Pipelining)
            reply.Append("250-PIPELINING\r\n");
        if (_server.Options.SmtpUtf8)
            reply.Append("250-SMTPUTF8\r\n");
        if (_server.Options.Tls == SmtpServerTls.StartTls && !_encrypted)
            reply.Append("250-STARTTLS\r\n");
        if (_server.Options.Username is not null && !_authenticated)
            reply.Append("250-AUTH PLAIN LOGIN\r\n");
        return reply.Append("250 ENHANCEDSTATUSCODES\r\n").ToString();
    }

    private static string? Path(string line) =>
        line.IndexOf('<', StringComparison.Ordinal) is var from and >= 0 && line.LastIndexOf('>') is var to && to > from ? line[(from + 1)..to] : null;

    private bool ProtocolError(string reply, string line)
    {
        _server.AddProtocolError($"{reply} <- {line}");
        return Write(reply + "\r\n");
    }

    private void EndTransaction()
    {
        if (InTransaction)
            _server.EndTransaction();
        _sender = null;
        _behaviour = null;
        _recipients.Clear();
    }

    private async ValueTask WriteReplyAsync(string reply)
    {
        if (_behaviour?.Dribbles is not true)
        {
            Write(reply);
            return;
        }
        for (var i = 0; i < reply.Length; i++)
        {
            Write(reply.Substring(i, 1));
            await _output.FlushAsync(_stop);
        }
    }

    /// <summary>Writes to the buffer, which is flushed when there is nothing more to read: pipelined commands get their replies in one segment.</summary>
    private bool Write(string reply)
    {
        Encoding.UTF8.GetBytes(reply, _output);
        return true;
    }

    private async ValueTask<string?> ReadLineAsync()
    {
        while (true)
        {
            if (!_input.TryRead(out var read))
            {
                await _output.FlushAsync(_stop);
                read = await _input.ReadAsync(_stop);
            }
            if (SmtpWire.TryCutLine(read.Buffer, out var line, out var end))
            {
                _input.AdvanceTo(end);
                return line;
            }
            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                return null;
        }
    }

    private static (PipeReader Input, PipeWriter Output) Pipes(Stream stream) => (
        PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 32 * 1024, minimumReadSize: 4 * 1024, leaveOpen: true)),
        PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
}
