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

    /// <summary>Whether seconds may mend it. A service that is down as a whole, or asked for a pause, is not asked again so soon.</summary>
    public static bool IsHiccup(Exception failure) =>
        IsTransient(failure) && failure is not (MailDeferredException { ServerIsDown: true } or GifUnavailableException { RetryAfter: not null });

    /// <summary>No try at all: a circuit breaker stood in the way.</summary>
    public static bool WasNotTried(Exception failure) => failure is MailDeferredException { NotAsked: true } or GifUnavailableException { NotAsked: true };

    /// <summary>How long to wait at least, where the other side said so.</summary>
    public static TimeSpan AtLeast(Exception failure) =>
        failure is GifUnavailableException { RetryAfter: { } pause } ? pause : TimeSpan.Zero;
}
