using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Web.Submissions;

/// <summary>The section <c>Submissions</c>.</summary>
internal sealed class SubmissionOptions
{
    /// <summary>How long address and thought are kept, counted from the submission. Dead letters keep their own copy.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00", ErrorMessage = "Submissions__KeepFor must be from 00:01:00 to 3650.00:00:00")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long to wait for the broker's confirm of a publish. After that, the submission is published again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ErrorMessage = "Submissions__PublishTimeout must be from 00:00:01 to 00:05:00")]
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a submission may stay without an event while no message waits for a consumer. After that, it is published again.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "1.00:00:00", ErrorMessage = "Submissions__MissingAfter must be from 00:00:02 to 1.00:00:00")]
    public TimeSpan MissingAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Web is not ready while a submission has waited longer than this for the broker's confirm.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "1.00:00:00", ErrorMessage = "Submissions__UnconfirmedLimit must be from 00:00:05 to 1.00:00:00")]
    public TimeSpan UnconfirmedLimit { get; set; } = TimeSpan.FromMinutes(1);
}
