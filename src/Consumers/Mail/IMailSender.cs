using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>Hands a mail over to the mail server.</summary>
internal interface IMailSender
{
    /// <summary>Sends to the one recipient in <c>To</c>.</summary>
    /// <param name="mail">The mail.</param>
    /// <param name="beforeHandover">Runs when the connection is ready, just before the mail is handed over. Its exceptions pass through.</param>
    /// <param name="stopping">An orderly stop. It has no effect once the dialogue began: a mail that is half sent has an unknown outcome.</param>
    /// <returns>The server's reply to the complete mail, without addresses.</returns>
    /// <exception cref="MailDeferredException">Not sent; try later.</exception>
    /// <exception cref="MailRefusedException">Not sent; no retry will succeed.</exception>
    /// <exception cref="MailOutcomeUnknownException">The mail may have been sent.</exception>
    Task<string> SendAsync(MimeMessage mail, Func<Task> beforeHandover, CancellationToken stopping);
}
