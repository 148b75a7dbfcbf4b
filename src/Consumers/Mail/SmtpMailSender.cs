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

/// <summary>Sends by SMTP, and distinguishes failures with a known outcome from those after which the mail may have been sent.</summary>
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
            // This mail did reach the server. A retry in place would meet the open circuit breaker and be reported as "not asked".
            throw e.Outcome is MailDeferredException && _breaker.IsOpen
                ? new MailDeferredException(e.Outcome.Message, serverIsDown: true)
                : e.Outcome;
        }
        catch (BrokenCircuitException)
        {
            throw new MailDeferredException($"{Server} has failed too often recently; not asked", serverIsDown: true, notAsked: true);
        }
    }

    private async Task<string> HandOverAsync(MimeMessage mail, Func<Task> beforeHandover)
    {
        var recipient = mail.To.Mailboxes.Single();
        if (!Ascii.IsValid(recipient.GetAddress(idnEncode: true)))
            throw new MailRefusedException("The address has non-ASCII characters before the @, which hardly any mail server accepts");
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
            throw new ServerFailedException(new MailDeferredException($"{Server} requires a login: check Smtp__Username and Smtp__Password"));
        }
        catch (SmtpCommandException e)
        {
            var answersTheMail = e.ErrorCode == SmtpErrorCode.MessageNotAccepted && progress.Complete;
            // MailKit has reset the dialogue, so the connection can be reused. Not after 421, because the server then closes the connection, and not
            // after a reply that is out of place.
            reusable = e.StatusCode != SmtpStatusCode.ServiceNotAvailable
                && (e.StatusCode.Meaning() is SmtpReply.No or SmtpReply.Later || (answersTheMail && e.StatusCode.Meaning() == SmtpReply.Yes));
            return OutcomeOf(e, recipient, answersTheMail);
        }
        catch (Exception e) when (e is IOException or SocketException or SmtpProtocolException or OperationCanceledException or TimeoutException or ServiceNotConnectedException)
        {
            var what = deadline.IsCancellationRequested ? $"no reply within {options.Value.SendTimeout.TotalSeconds:0} s" : "the connection broke";
            throw new ServerFailedException(progress.Complete && !connection.Stream.HoldsBack
                ? new MailOutcomeUnknownException($"The complete mail was written to {Server}, and {what}")
                : new MailDeferredException($"{Server}: {what} ({progress})"));
        }
        finally
        {
            pool.Return(connection, reusable);
        }
    }

    /// <summary>
    /// MailKit throws for any reply except 250 after the final dot. There, any 2xx accepts the mail, and a reply that neither accepts nor refuses it
    /// leaves its outcome unknown.
    /// </summary>
    private string OutcomeOf(SmtpCommandException answer, MailboxAddress recipient, bool answersTheMail)
    {
        var words = $"{(int)answer.StatusCode} {ServerReply.Without(recipient, answer.Message)}";
        return answer.StatusCode.Meaning() switch
        {
            SmtpReply.Yes when answersTheMail => words,
            SmtpReply.No => throw new MailRefusedException($"{Stage(answer)}: {words}"),
            SmtpReply.Later => throw new MailDeferredException($"{Stage(answer)}: {words}", saidLater: true),
            _ when answersTheMail => throw new MailOutcomeUnknownException($"The complete mail was written to {Server}, and its reply neither accepts nor refuses it: {words}"),
            _ => throw new MailDeferredException($"{Server} gave an unexpected reply before the mail itself: {words}", saidLater: true),
        };
    }

    private string Server => $"{options.Value.Host}:{options.Value.Port}";

    private async Task<SmtpConnection> ConnectAsync(MailboxAddress recipient, CancellationToken deadline)
    {
        try
        {
            return await pool.RentAsync(deadline);
        }
        catch (SmtpPoolBusyException e)
        {
            throw new MailDeferredException($"{Server} was not asked: {e.Message} for {options.Value.SendTimeout.TotalSeconds:0} s", notAsked: true);
        }
        catch (SmtpPutOffException e)
        {
            throw new ServerFailedException(new MailDeferredException($"{Server} {WhyPutOff(recipient, e)}", saidLater: true));
        }
        catch (Exception e) when (WhyNoConnection(recipient, e) is not null)
        {
            // A refusal is an answer, too, and must not be retried within seconds: repeated wrong logins get locked out.
            throw new ServerFailedException(new MailDeferredException($"{Server} {WhyNoConnection(recipient, e)}", saidLater: e is SmtpCommandException or AuthenticationException));
        }
    }

    private static string WhyPutOff(MailboxAddress recipient, SmtpPutOffException putOff) => putOff.InnerException switch
    {
        AuthenticationException { InnerException: SmtpCommandException e } => $"does not accept logins now: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}",
        SmtpCommandException e => $"does not accept mail now: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}",
        _ => $"does not accept mail now: {putOff.Reply}",
    };

    private string? WhyNoConnection(MailboxAddress recipient, Exception failure) => failure switch
    {
        SmtpCommandException e => $"does not accept mail: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}",
        AuthenticationException => "refuses the login: check Smtp__Username and Smtp__Password",
        SslHandshakeException => "has no trusted certificate: check Smtp__Host, Smtp__Security and the server's certificate",
        NotSupportedException => $"does not offer {options.Value.Security}: check Smtp__Security and Smtp__Port",
        SocketException e => $"is unreachable ({e.SocketErrorCode}): check Smtp__Host, Smtp__Port and the mail server",
        IOException or SmtpProtocolException or OperationCanceledException or TimeoutException => $"is unreachable or does not speak SMTP ({failure.GetType().Name})",
        _ => null,
    };

    private static string Stage(SmtpCommandException answer) => answer.ErrorCode switch
    {
        SmtpErrorCode.RecipientNotAccepted => "The recipient was refused",
        SmtpErrorCode.SenderNotAccepted when answer.StatusCode == SmtpStatusCode.ExceededStorageAllocation => "The mail is too large for the mail server", // MAIL announces the size
        SmtpErrorCode.SenderNotAccepted when answer.StatusCode.Meaning() == SmtpReply.Later => "The mail server does not accept mail now", // a 4xx says nothing about the sender
        SmtpErrorCode.SenderNotAccepted => "The sender was refused",
        SmtpErrorCode.MessageNotAccepted => "The mail was refused",
        _ => "The mail server answered",
    };

    /// <summary>How many bytes of the mail were written; MailKit reports it while it writes.</summary>
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
