using System.Data.Common;
using System.Net.Sockets;
using MassTransit;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Consumers.Mail;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Classifies failures: retry in place, redeliver later, or dead-letter. Nothing else decides this.</summary>
internal static class Failure
{
    /// <summary>Whether a later try may succeed. Exceptions that are not listed are permanent: a refusal, a wrong key, a bug.</summary>
    public static bool IsTransient(Exception failure) => failure
        is MailDeferredException or GifUnavailableException // the two services that we call
        or DbException or TimeoutException or IOException or SocketException or DeliveryNotTakenException // the ledger
        or MassTransitException or RabbitMQClientException; // the broker, when the event is published

    /// <summary>
    /// Whether a retry within seconds may succeed, for example after a broken connection. A service that is down, or that answered "later", is not
    /// asked again so soon: a greylisting server gives the same answer for minutes, and Postfix slows down clients that insist.
    /// </summary>
    public static bool IsHiccup(Exception failure) =>
        IsTransient(failure) && !WasNotTried(failure)
        && failure is not (MailDeferredException { ServerIsDown: true } or MailDeferredException { SaidLater: true } or GifUnavailableException { RetryAfter: not null });

    /// <summary>Does not count as a try: the service was not asked, because a circuit breaker is open or all connections are busy.</summary>
    public static bool WasNotTried(Exception failure) => failure is MailDeferredException { NotAsked: true } or GifUnavailableException { NotAsked: true };

    /// <summary>The minimum wait that the service asked for; zero if it asked for none.</summary>
    public static TimeSpan AtLeast(Exception failure) =>
        failure is GifUnavailableException { RetryAfter: { } pause } ? pause : TimeSpan.Zero;
}
