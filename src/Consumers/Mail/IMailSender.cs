using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>Connects to the mail server.</summary>
internal interface IMailSender
{
    /// <summary>Gets a connection that is ready for one mail.</summary>
    /// <param name="recipient">The mail's only recipient.</param>
    /// <param name="stopping">An orderly stop. It has no effect once the dialogue began: a mail that is half sent has an unknown outcome.</param>
    /// <exception cref="MailDeferredException">No connection; try later.</exception>
    /// <exception cref="MailRefusedException">No server could accept the address.</exception>
    Task<IMailConnection> ConnectAsync(MailboxAddress recipient, CancellationToken stopping);
}

/// <summary>A connection that is ready for one mail. Sending or disposing makes it available for the next one.</summary>
internal interface IMailConnection : IAsyncDisposable
{
    /// <summary>Hands the mail over.</summary>
    /// <param name="mail">The mail, to the recipient that the connection is for.</param>
    /// <returns>The server's reply to the complete mail, without addresses.</returns>
    /// <exception cref="MailDeferredException">Not sent; try later.</exception>
    /// <exception cref="MailRefusedException">Not sent; no retry will succeed.</exception>
    /// <exception cref="MailOutcomeUnknownException">The mail may have been sent.</exception>
    Task<string> SendAsync(MimeMessage mail);
}
