using System.Globalization;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Times as a reader at night understands them.</summary>
internal static class Relative
{
    /// <summary>How long ago something was, in the largest unit that gives at least two: <c>12 min ago</c>. Times up to 5 s ahead are clocks that differ.</summary>
    public static string Ago(TimeSpan age) =>
        age < TimeSpan.FromSeconds(-5) ? $"in {Length(-age)}"
        : age < TimeSpan.FromSeconds(5) ? "just now"
        : Length(age) + " ago";

    /// <summary>A length of time in its largest unit that gives at least two, rounded down: <c>119 min</c>, <c>47 h</c>, <c>2 d</c>.</summary>
    public static string Length(TimeSpan time) =>
        time >= TimeSpan.FromDays(2) ? Number(time.TotalDays, "d")
        : time >= TimeSpan.FromHours(2) ? Number(time.TotalHours, "h")
        : time >= TimeSpan.FromMinutes(2) ? Number(time.TotalMinutes, "min")
        : Number(time.TotalSeconds, "s");

    /// <summary>A time for the <c>datetime</c> attribute.</summary>
    public static string Iso(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>A time in UTC, exact to the second.</summary>
    public static string Exact(DateTimeOffset at) => at.ToUniversalTime().ToString("d MMM yyyy HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Number(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(number):N0} {unit}");
}
