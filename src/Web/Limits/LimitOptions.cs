using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Web.Limits;

/// <summary>The section <c>Limits</c>: what keeps the form from being a mail cannon. 0 means no limit.</summary>
internal sealed class LimitOptions
{
    /// <summary>Submissions that one client, by its address, may make in a minute.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Limits__PerClientPerMinute must be from 0 (no limit) to 1000000")]
    public int PerClientPerMinute { get; set; } = 10;

    /// <summary>Submissions that may go to one recipient in an hour, whoever makes them.</summary>
    [Range(0, 10_000, ErrorMessage = "Limits__PerRecipientPerHour must be from 0 (no limit) to 10000")]
    public int PerRecipientPerHour { get; set; } = 5;
}
