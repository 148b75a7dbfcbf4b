using System.Data.Common;
using System.Net.Sockets;
using MassTransit;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Consumers.Mail;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>What to do about a failure: the one place that says so.</summary>
internal static class Failure
{
    /// <summary>May pass by itself. What is not listed won't: a refusal, a wrong key, a bug.</summary>
    public static bool IsTransient(Exception failure) => failure
        is MailDeferredException or GifUnavailableException // the two services that we call
        or DbException or TimeoutException or IOException or SocketException or DeliveryNotTakenException // the ledger
        or MassTransitException or RabbitMQClientException; // the broker, when the event is published

    /// <summary>
    /// Whether seconds may help, as where a connection broke. A service that is down, or that answered "later", is not asked again so soon: a
    /// greylisting server says the same for minutes, and Postfix slows down who insists.
    /// </summary>
    public static bool IsHiccup(Exception failure) =>
        IsTransient(failure) && !WasNotTried(failure)
        && failure is not (MailDeferredException { ServerIsDown: true } or MailDeferredException { SaidLater: true } or GifUnavailableException { RetryAfter: not null });

    /// <summary>Not a try: the other side was not asked, because a circuit breaker is open or all connections are busy.</summary>
    public static bool WasNotTried(Exception failure) => failure is MailDeferredException { NotAsked: true } or GifUnavailableException { NotAsked: true };

    /// <summary>How long to wait at least, where the other side said so.</summary>
    public static TimeSpan AtLeast(Exception failure) =>
        failure is GifUnavailableException { RetryAfter: { } pause } ? pause : TimeSpan.Zero;
}
