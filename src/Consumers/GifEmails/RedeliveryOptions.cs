using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Consumers.GifEmails;

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
