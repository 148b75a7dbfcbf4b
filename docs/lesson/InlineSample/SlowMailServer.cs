using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace InlineSample;

/// <summary>The mail catcher of ./run, as slow as a mail server on a bad day.</summary>
internal sealed class SlowMailServer(IConfiguration settings)
{
    private static readonly TimeSpan _badDay = TimeSpan.FromSeconds(5);

    /// <summary>Sends a mail.</summary>
    /// <returns>Whether the server took it.</returns>
    public async Task<bool> SendAsync(string email, string thought)
    {
        await Task.Delay(_badDay);
        using var mail = new MimeMessage { Subject = "Your thought", Body = new TextPart { Text = thought } };
        mail.From.Add(new MailboxAddress("The inline sample", "inline@workinit.example"));
        mail.To.Add(new MailboxAddress(null, email));
        using var smtp = new SmtpClient();
        try
        {
            await smtp.ConnectAsync("localhost", settings.GetValue("WORKINIT_SMTP_PORT", 1025), SecureSocketOptions.None);
            await smtp.SendAsync(mail);
            await smtp.DisconnectAsync(quit: true);
            return true;
        }
        catch (Exception e) when (e is SocketException or IOException or CommandException or ProtocolException)
        {
            return false; // not rethrown: the server's words may hold the address, and would go to the log
        }
    }
}
