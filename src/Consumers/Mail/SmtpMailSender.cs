using System.Net.Sockets;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;
using Polly.CircuitBreaker;

namespace WorkinIt.Consumers.Mail;

/// <summary>Connects by SMTP, unless the server has failed too often recently.</summary>
internal sealed class SmtpMailSender(SmtpConnectionPool pool, IOptions<SmtpOptions> options, TimeProvider time, ILogger<SmtpMailSender> log) : IMailSender
{
    private readonly SmtpBreaker _breaker = SmtpBreaker.Create(options.Value, time, log);

    private string Server => $"{options.Value.Host}:{options.Value.Port}";

    public async Task<IMailConnection> ConnectAsync(MailboxAddress recipient, CancellationToken stopping)
    {
        if (options.Value.SimulatedDelay > TimeSpan.Zero)
            await Task.Delay(options.Value.SimulatedDelay, stopping);
        stopping.ThrowIfCancellationRequested();
        if (!Ascii.IsValid(recipient.GetAddress(idnEncode: true)))
            throw new MailRefusedException("The address has non-ASCII characters before the @, which hardly any mail server accepts");
        var dialogue = new SmtpDialogue(pool, options.Value, recipient, await EnterAsync(), time);
        try
        {
            dialogue.Connection = await RentAsync(recipient, dialogue.Deadline);
            return dialogue;
        }
        catch (Exception e)
        {
            var told = await dialogue.FailedAsync(e);
            await dialogue.DisposeAsync();
            if (told == e)
                throw;
            throw told;
        }
    }

    private async Task<SmtpBreaker.Turn> EnterAsync()
    {
        try
        {
            return await _breaker.EnterAsync();
        }
        catch (BrokenCircuitException)
        {
            throw new MailDeferredException($"{Server} has failed too often recently; not asked", serverIsDown: true, notAsked: true);
        }
    }

    private async Task<SmtpConnection> RentAsync(MailboxAddress recipient, CancellationToken deadline)
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
}
