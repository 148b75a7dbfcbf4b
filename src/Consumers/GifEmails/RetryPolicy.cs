using System.ComponentModel.DataAnnotations;
using System.Data.Common;
using System.Net.Sockets;
using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Consumers.Mail;
using WorkinIt.Gifs;
using ValidationResult = System.ComponentModel.DataAnnotations.ValidationResult;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Decides what follows a failed try: a retry in place, a wait in a delay queue, or a dead letter.</summary>
internal sealed class RetryPolicy(IOptions<RedeliveryOptions> options, TimeProvider time)
{
    /// <summary>The shortest wait in a delay queue.</summary>
    public TimeSpan FirstDelay => options.Value.Steps[0];

    /// <summary>Whether a later try may succeed. Exceptions that are not listed are permanent: a refusal, a wrong key, a bug.</summary>
    public static bool IsTransient(Exception failure) => failure
        is MailDeferredException or GifUnavailableException // the two services that we call
        or DbException or TimeoutException or IOException or SocketException or DeliveryNotTakenException // the ledger
        or MassTransitException or RabbitMQClientException; // the broker, when the event is published

    /// <summary>
    /// Whether a retry within seconds may succeed, for example after a broken connection. A service that is down, or that answered "later", is not
    /// asked again so soon: a greylisting server gives the same answer for minutes, and Postfix slows down clients that insist.
    /// </summary>
    public static bool IsWorthARetryInPlace(Exception failure) =>
        IsTransient(failure) && CountsAsTry(failure)
        && failure is not (MailDeferredException { ServerIsDown: true } or MailDeferredException { SaidLater: true } or GifUnavailableException { RetryAfter: not null });

    /// <summary>Whether the service was asked. It was not if a circuit breaker is open or all connections are busy.</summary>
    public static bool CountsAsTry(Exception failure) => failure is not (MailDeferredException { NotAsked: true } or GifUnavailableException { NotAsked: true });

    /// <summary>How long the message waits in a delay queue after this failure; null if it becomes a dead letter.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="redeliveries">How many delays the message has used up.</param>
    public TimeSpan? DelayAfter(Exception failure, int redeliveries) => failure switch
    {
        DeliveryInFlightException inFlight => Outlasting(inFlight.Until - time.GetUtcNow() ?? TimeSpan.Zero, options.Value.Steps),
        // The service was not asked, so this is not a try, however often it repeats: the message waits in the first delay.
        _ when !CountsAsTry(failure) => Outlasting(AskedFor(failure), options.Value.Steps),
        _ when IsTransient(failure) && options.Value.Steps.Skip(redeliveries).ToArray() is { Length: > 0 } left => Outlasting(AskedFor(failure), left),
        _ => null,
    };

    /// <summary>The minimum wait that the service asked for; zero if it asked for none.</summary>
    private static TimeSpan AskedFor(Exception failure) => failure is GifUnavailableException { RetryAfter: { } pause } ? pause : TimeSpan.Zero;

    // The longest delay if none is long enough.
    private static TimeSpan Outlasting(TimeSpan wait, IReadOnlyList<TimeSpan> delays) => delays.Where(delay => delay >= wait).Append(delays[^1]).First();
}

/// <summary>
/// The section <c>Retry</c>: retries in place, while the message stays unacknowledged. They are for brief failures, so they end within
/// seconds: a worker does not wait for an outage to end.
/// </summary>
internal sealed class RetryOptions : IValidatableObject
{
    /// <summary>Tries after the first one.</summary>
    [Range(0, 10, ErrorMessage = "Retry__Limit must be from 0 to 10")]
    public int Limit { get; set; } = 3;

    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "Retry__MinInterval must be from 00:00:00 to 00:01:00")]
    public TimeSpan MinInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "Retry__MaxInterval must be from 00:00:00 to 00:01:00")]
    public TimeSpan MaxInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The part of the interval that doubles from try to try.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "Retry__IntervalDelta must be from 00:00:00 to 00:01:00")]
    public TimeSpan IntervalDelta { get; set; } = TimeSpan.FromMilliseconds(500);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxInterval < MinInterval)
            yield return new ValidationResult("Retry__MaxInterval must not be below Retry__MinInterval");
    }
}

/// <summary>The section <c>Redelivery</c>: how long a message waits in a delay queue, outside of any consumer, between rounds of tries.</summary>
internal sealed class RedeliveryOptions : IValidatableObject
{
    // Greylisting ends within minutes, a restart within half an hour, an outage that needs a fix within a night.
    private static readonly TimeSpan[] _default =
    [
        TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(6),
    ];

    /// <summary>
    /// <c>Redelivery__Delays__0</c> and so on, ascending. Each delay has its own queue, so deploy the topology again after a change.
    /// </summary>
    public TimeSpan[]? Delays { get; set; } // no default here: the binder would append to it

    /// <summary>The delays in force.</summary>
    public IReadOnlyList<TimeSpan> Steps => Delays is { Length: > 0 } ? Delays : _default;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Steps.Any(delay => delay < TimeSpan.FromMilliseconds(100) || delay > TimeSpan.FromDays(1)))
            yield return new ValidationResult("Redelivery__Delays must each be from 00:00:00.1 to 1.00:00:00");
        if (Steps.Zip(Steps.Skip(1)).Any(pair => pair.First >= pair.Second))
            yield return new ValidationResult("Redelivery__Delays must ascend");
    }
}
