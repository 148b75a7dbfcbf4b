using System.Net.Sockets;
using System.Text;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;
using Polly;
using Polly.CircuitBreaker;

namespace WorkinIt.Consumers.Mail;

/// <summary>Sends by SMTP and tells apart what is known from what is not.</summary>
internal sealed class SmtpMailSender(SmtpConnectionPool pool, IOptions<SmtpOptions> options, TimeProvider time, ILogger<SmtpMailSender> log) : IMailSender
{
    private readonly SmtpBreaker _breaker = SmtpBreaker.Create(options.Value, time, log);

    public async Task<string> SendAsync(MimeMessage mail, Func<Task> beforeHandover, CancellationToken stopping)
    {
        if (options.Value.SimulatedDelay > TimeSpan.Zero)
            await Task.Delay(options.Value.SimulatedDelay, stopping);
        stopping.ThrowIfCancellationRequested();
        try
        {
            return await _breaker.Pipeline.ExecuteAsync(async _ => await SmtpTelemetry.MeasureAsync(options.Value, time, () => HandOverAsync(mail, beforeHandover)), CancellationToken.None);
        }
        catch (ServerFailedException e)
        {
            // This one did ask. Tried again in place it would meet the open breaker, and that it has asked would be forgotten.
            throw e.Outcome is MailDeferredException && _breaker.IsOpen
                ? new MailDeferredException(e.Outcome.Message, serverIsDown: true)
                : e.Outcome;
        }
        catch (BrokenCircuitException)
        {
            throw new MailDeferredException($"{Server} has failed too often just now; not asked", serverIsDown: true, notAsked: true);
        }
    }

    private async Task<string> HandOverAsync(MimeMessage mail, Func<Task> beforeHandover)
    {
        var recipient = mail.To.Mailboxes.Single();
        if (!Ascii.IsValid(recipient.GetAddress(idnEncode: true)))
            throw new MailRefusedException("The address has other characters than ASCII before the @: hardly any mail server could take it");
        using var deadline = new CancellationTokenSource(options.Value.SendTimeout);
        var connection = await ConnectAsync(recipient, deadline.Token);
        var progress = new WrittenBytes();
        var reusable = false;
        try
        {
            await beforeHandover();
        }
        catch
        {
            pool.Return(connection, reusable: true);
            throw;
        }
        try
        {
            var reply = await connection.Client.SendAsync(mail, deadline.Token, progress);
            reusable = true;
            return ServerReply.Without(recipient, reply);
        }
        catch (ServiceNotAuthenticatedException)
        {
            throw new ServerFailedException(new MailDeferredException($"{Server} takes no mail without a login: check Smtp__Username and Smtp__Password"));
        }
        catch (SmtpCommandException e)
        {
            reusable = e.StatusCode != SmtpStatusCode.ServiceNotAvailable; // all but 421, after which it hangs up: MailKit has reset the dialogue
            var reply = $"{Stage(e.ErrorCode)}: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}";
            throw (int)e.StatusCode >= 500 ? new MailRefusedException(reply) : new MailDeferredException(reply);
        }
        catch (Exception e) when (e is IOException or SocketException or SmtpProtocolException or OperationCanceledException or TimeoutException or ServiceNotConnectedException)
        {
            var what = deadline.IsCancellationRequested ? $"no reply within {options.Value.SendTimeout.TotalSeconds:0} s" : "the connection broke";
            throw new ServerFailedException(progress.Complete && !connection.Stream.HoldsBack
                ? new MailOutcomeUnknownException($"All of the mail was written to {Server} and {what}")
                : new MailDeferredException($"{Server}: {what} ({progress})"));
        }
        finally
        {
            pool.Return(connection, reusable);
        }
    }

    private string Server => $"{options.Value.Host}:{options.Value.Port}";

    private async Task<SmtpConnection> ConnectAsync(MailboxAddress recipient, CancellationToken deadline)
    {
        try
        {
            return await pool.RentAsync(deadline);
        }
        catch (Exception e) when (WhyNoConnection(recipient, e) is not null)
        {
            throw new ServerFailedException(new MailDeferredException($"{Server} {WhyNoConnection(recipient, e)}"));
        }
    }

    private string? WhyNoConnection(MailboxAddress recipient, Exception failure) => failure switch
    {
        SmtpCommandException e => $"takes no mail: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}",
        AuthenticationException => "refuses the login: check Smtp__Username and Smtp__Password",
        SslHandshakeException => "has no certificate that can be trusted: check Smtp__Host, Smtp__Security and the server's certificate",
        NotSupportedException => $"offers no {options.Value.Security}: check Smtp__Security and Smtp__Port",
        SocketException e => $"is out of reach ({e.SocketErrorCode}): check Smtp__Host, Smtp__Port and the mail server",
        IOException or SmtpProtocolException or OperationCanceledException or TimeoutException => $"is out of reach or speaks no SMTP ({failure.GetType().Name})",
        _ => null,
    };

    private static string Stage(SmtpErrorCode code) => code switch
    {
        SmtpErrorCode.RecipientNotAccepted => "The recipient was refused",
        SmtpErrorCode.SenderNotAccepted => "The sender was refused",
        SmtpErrorCode.MessageNotAccepted => "The mail was refused",
        _ => "The mail server answered",
    };

    /// <summary>How far DATA got; MailKit reports it while it writes.</summary>
    private sealed class WrittenBytes : ITransferProgress
    {
        private long _written;
        private long _total = long.MaxValue;

        public bool Complete => _written >= _total;

        public void Report(long bytesTransferred, long totalSize) => (_written, _total) = (bytesTransferred, totalSize);

        public void Report(long bytesTransferred) => _written = bytesTransferred;

        public override string ToString() => _total == long.MaxValue ? "before the mail itself" : $"after {_written} of {_total} bytes of the mail";
    }
}
