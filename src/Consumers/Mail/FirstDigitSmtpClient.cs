using System.Globalization;
using System.Text;
using MailKit;
using MailKit.Net.Smtp;
using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// MailKit's client, corrected to interpret replies as RFC 5321 defines them, as far as MailKit allows that. MailKit treats 200 to 249 for the
/// sender as a refusal, and 1xx for the recipient as an acceptance. <see cref="SmtpDialogue"/> corrects its reading of the reply to the mail
/// itself.
/// </summary>
/// <param name="replies">Receives the server's replies.</param>
internal sealed class FirstDigitSmtpClient(LastReply replies) : SmtpClient(replies)
{
    /// <summary>The last code that the server sent.</summary>
    public SmtpStatusCode? LastCode => replies.Code;

    protected override void OnSenderNotAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
    {
        if (response.StatusCode.Meaning() != SmtpReply.Yes)
            base.OnSenderNotAccepted(message, mailbox, response);
    }

    protected override void OnRecipientAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
    {
        if (response.StatusCode.Meaning() != SmtpReply.Yes)
            OnRecipientNotAccepted(message, mailbox, response);
    }
}

/// <summary>Keeps the code of the last reply, without its text.</summary>
internal sealed class LastReply : IProtocolLogger
{
    public SmtpStatusCode? Code { get; private set; }

    public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

    public void LogServer(byte[] buffer, int offset, int count)
    {
        if (count >= 3 && int.TryParse(Encoding.ASCII.GetString(buffer, offset, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
            Code = (SmtpStatusCode)code;
    }

    public void LogConnect(Uri uri)
    {
        // Nothing to keep.
    }

    public void LogClient(byte[] buffer, int offset, int count)
    {
        // Nothing to keep.
    }

    public void Dispose()
    {
        // Nothing to release.
    }
}
