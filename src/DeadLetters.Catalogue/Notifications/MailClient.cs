using System.Globalization;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Mails a notification to a receiver. There are few, so each has its own connection.</summary>
/// <param name="server">The mail server; null if none is set.</param>
/// <param name="timeout">The time for one mail, from connecting to the reply. Less than the lease of a delivery.</param>
/// <param name="namesSources">Whether the application has several sources.</param>
internal sealed class MailClient(MailServer? server, TimeSpan? timeout = null, bool namesSources = false)
{
    private readonly TimeSpan _timeout = timeout ?? TimeSpan.FromSeconds(25);

    /// <summary>Mails a notification.</summary>
    public async Task<ReceiverAnswer> SendAsync(NotificationReceiver receiver, Notification notification)
    {
        if (server is null)
            return new ReceiverAnswer("no mail server is set. Set Smtp__Host and Smtp__From", null);
        using var ends = new CancellationTokenSource(_timeout);
        using var message = Write(MailboxAddress.Parse(server.From), receiver.Mailbox!, notification);
        try
        {
            await SendAsync(server, message, ends.Token);
            return new ReceiverAnswer(null, null);
        }
        catch (OperationCanceledException)
        {
            return new ReceiverAnswer(string.Create(CultureInfo.InvariantCulture, $"the mail server did not answer within {_timeout.TotalSeconds:0.#} s"), null);
        }
#pragma warning disable CA1031 // MailKit has no common base for what a server can do wrong; each failure is shown and tried again
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new ReceiverAnswer(Error(e), null);
        }
    }

    private static async Task SendAsync(MailServer server, MimeMessage message, CancellationToken cancellationToken)
    {
        using var client = new SmtpClient
        {
            Timeout = Timeout.Infinite, // the caller has the deadline
            CheckCertificateRevocation = false, // a private authority publishes no revocation list, and most mail servers can't reach a public one
        };
        await client.ConnectAsync(server.Host, server.Port, server.SocketOptions, cancellationToken);
        if (server.Username is { } user)
            await client.AuthenticateAsync(user, server.Password!, cancellationToken);
        await client.SendAsync(message, cancellationToken);
        try
        {
            await client.DisconnectAsync(quit: true, cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or ProtocolException or OperationCanceledException)
        {
            // The server has accepted the mail: how the connection ends does not matter.
        }
    }

    private MimeMessage Write(MailboxAddress from, MailboxAddress to, Notification notification)
    {
        var domain = from.Domain is { Length: > 0 } name ? name : "localhost";
        var message = new MimeMessage
        {
            Subject = notification.Title,
            Date = notification.At,
            MessageId = $"{notification.Id}@{domain}", // the same for each try, so that a mail program can see that two mails are one
            Body = new TextPart("plain") { Text = MessageFormats.Text(notification, namesSources) },
        };
        message.From.Add(from);
        message.To.Add(to);
        message.Headers.Add("Auto-Submitted", "auto-generated"); // RFC 3834: no automatic replies
        if (notification.Cause is { } cause)
            message.References.Add($"cause.{cause.Id}@{domain}"); // a mail program shows what happens to one cause as one conversation
        return message;
    }

    // Not the exception's own message or the server's text, which may contain an address.
    private static string Error(Exception e) => e switch
    {
        SmtpCommandException command => string.Create(CultureInfo.InvariantCulture, $"the mail server answered {(int)command.StatusCode}"),
        AuthenticationException => "the mail server refused the login. Check Smtp__Username and Smtp__Password",
        SslHandshakeException => "no secure connection to the mail server: its certificate or its TLS version is not accepted, or Smtp__Port and Smtp__Security do not fit together",
        NotSupportedException => "the mail server offers no STARTTLS or no login. Check Smtp__Security and Smtp__Username",
        SocketException socket => $"no connection to the mail server: {socket.SocketErrorCode}",
        _ => $"the mail server broke off: {e.GetType().Name}",
    };
}
