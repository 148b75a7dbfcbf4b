using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Web.Submissions;

/// <summary>The section <c>Submissions</c>.</summary>
internal sealed class SubmissionOptions
{
    /// <summary>How long address and thought are kept, counted from the submission. The dead letters keep their own copy.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00", ErrorMessage = "Submissions__KeepFor must be from 00:01:00 to 3650.00:00:00")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);
}
