using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>Hands a mail over to the mail server.</summary>
internal interface IMailSender
{
    /// <summary>Sends to the one recipient in <c>To</c>.</summary>
    /// <param name="mail">The mail.</param>
    /// <param name="beforeHandover">Runs when the server is there and ready, just before the mail is handed over; its exceptions pass.</param>
    /// <param name="stopping">An orderly stop; heeded until the dialogue begins, never after: a mail half given is a mail in doubt.</param>
    /// <returns>The server's reply to the whole mail, without addresses.</returns>
    /// <exception cref="MailDeferredException">Not sent; try later.</exception>
    /// <exception cref="MailRefusedException">Not sent; no try will succeed.</exception>
    /// <exception cref="MailOutcomeUnknownException">Nobody knows.</exception>
    Task<string> SendAsync(MimeMessage mail, Func<Task> beforeHandover, CancellationToken stopping);
}
