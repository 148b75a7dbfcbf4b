using System.Globalization;
using WorkinIt.Consumers.Mail;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// When the outcome of a delivery becomes unknown, so that the mail is held and not sent again: it failed while it was handed over, and the
/// failure does not prove that nothing was sent; or its consumer ended without recording an outcome.
/// </summary>
internal static class OutcomeUnknown
{
    /// <summary>Whether a failure proves that the mail was not sent.</summary>
    /// <param name="failure">The failure.</param>
    public static bool IsKnownNotSent(Exception failure) =>
        failure is MailDeferredException or MailRefusedException or GifUnavailableException or GiphyKeyRefusedException or DeliveryNotTakenException;

    /// <summary>The evidence for the operator, if the handover to the mail server failed.</summary>
    /// <param name="failure">How it failed.</param>
    /// <param name="server">The mail server.</param>
    /// <param name="at">When it failed.</param>
    /// <param name="submission">The submission's id, which is part of the mail's Message-ID.</param>
    public static string WhileSending(Exception failure, SmtpOptions server, DateTimeOffset at, Guid submission) => string.Create(CultureInfo.InvariantCulture,
        $"{(failure is MailOutcomeUnknownException ? failure.Message : $"{failure.GetType().Name} while sending to {server.Host}:{server.Port}")} (at {at:u}). {Search(submission)}");

    /// <summary>The evidence for the operator, if the consumer that took the delivery ended, and its lease has expired.</summary>
    /// <param name="taken">The ledger's row.</param>
    /// <param name="server">The mail server.</param>
    /// <param name="submission">The submission's id, which is part of the mail's Message-ID.</param>
    public static string AfterCrash(Delivery taken, SmtpOptions server, Guid submission) => string.Create(CultureInfo.InvariantCulture,
        $"a consumer started to send it at {taken.TakenAt:u} to {server.Host}:{server.Port} and ended without recording an outcome. {Search(submission)}");

    private static string Search(Guid submission) => $"Look for Message-ID {submission:N} in the mail server's log";
}
