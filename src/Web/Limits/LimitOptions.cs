using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Web.Limits;

/// <summary>The section <c>Limits</c>: limits that keep the form from being used to flood mailboxes. 0 means no limit.</summary>
internal sealed class LimitOptions
{
    /// <summary>The maximum submissions per minute from one client, identified by its IP address.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Limits__PerClientPerMinute must be from 0 (no limit) to 1000000")]
    public int PerClientPerMinute { get; set; } = 10;

    /// <summary>The maximum submissions per hour to one recipient, from all clients together.</summary>
    [Range(0, 10_000, ErrorMessage = "Limits__PerRecipientPerHour must be from 0 (no limit) to 10000")]
    public int PerRecipientPerHour { get; set; } = 5;
}
