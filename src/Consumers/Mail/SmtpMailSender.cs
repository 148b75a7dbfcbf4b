using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>Sends by SMTP and tells apart what is known from what is not.</summary>
internal sealed class SmtpMailSender(SmtpConnectionPool pool, IOptions<SmtpOptions> options) : IMailSender
{
    public async Task<string> SendAsync(MimeMessage mail, CancellationToken stopping)
    {
        var recipient = mail.To.Mailboxes.Single();
        if (options.Value.SimulatedDelay > TimeSpan.Zero)
            await Task.Delay(options.Value.SimulatedDelay, stopping);
        stopping.ThrowIfCancellationRequested();

        using var deadline = new CancellationTokenSource(options.Value.SendTimeout);
        var connection = await ConnectAsync(recipient, deadline.Token);
        var progress = new WrittenBytes();
        var reusable = false;
        try
        {
            var reply = await connection.Client.SendAsync(mail, deadline.Token, progress);
            reusable = true;
            return ServerReply.Without(recipient, reply);
        }
        catch (SmtpCommandException e)
        {
            reusable = true; // MailKit has reset the dialogue, or closed the connection where it couldn't
            var reply = $"{Stage(e.ErrorCode)}: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}";
            throw (int)e.StatusCode >= 500 ? new MailRefusedException(reply) : new MailDeferredException(reply);
        }
        catch (NotSupportedException)
        {
            throw new MailRefusedException($"{Server} can't take mail for an address like this one (it offers no SMTPUTF8)");
        }
        catch (Exception e) when (e is IOException or SocketException or SmtpProtocolException or OperationCanceledException or ServiceNotConnectedException)
        {
            var what = deadline.IsCancellationRequested ? $"no reply within {options.Value.SendTimeout.TotalSeconds:0} s" : "the connection broke";
            throw progress.Complete
                ? new MailOutcomeUnknownException($"All of the mail was written to {Server} and {what}: it may have arrived")
                : new MailDeferredException($"{Server}: {what} ({progress})");
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
        catch (SmtpCommandException e)
        {
            throw new MailDeferredException($"{Server} takes no mail: {(int)e.StatusCode} {ServerReply.Without(recipient, e.Message)}");
        }
        catch (AuthenticationException)
        {
            throw new MailDeferredException($"{Server} refuses the login: check Smtp__Username and Smtp__Password");
        }
        catch (SslHandshakeException)
        {
            throw new MailDeferredException($"{Server} has no certificate that can be trusted: check Smtp__Host, Smtp__Security and the server's certificate");
        }
        catch (NotSupportedException)
        {
            throw new MailDeferredException($"{Server} offers no {options.Value.Security}: check Smtp__Security and Smtp__Port");
        }
        catch (SocketException e)
        {
            throw new MailDeferredException($"{Server} is out of reach ({e.SocketErrorCode}): check Smtp__Host, Smtp__Port and the mail server");
        }
        catch (Exception e) when (e is IOException or SmtpProtocolException or OperationCanceledException)
        {
            throw new MailDeferredException($"{Server} is out of reach or speaks no SMTP ({e.GetType().Name})");
        }
    }

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
