using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Consumers.GifEmails;

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
