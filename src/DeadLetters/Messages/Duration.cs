using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>Formats a duration as text.</summary>
internal static class Duration
{
    /// <summary>The duration in the largest unit that gives at least two, rounded up.</summary>
    public static string Words(TimeSpan time) =>
        time >= TimeSpan.FromDays(2) ? Words(time.TotalDays, "days")
        : time >= TimeSpan.FromHours(2) ? Words(time.TotalHours, "h")
        : time >= TimeSpan.FromMinutes(2) ? Words(time.TotalMinutes, "min")
        : time >= TimeSpan.FromSeconds(2) ? Words(time.TotalSeconds, "s")
        : Words(time.TotalMilliseconds, "ms");

    private static string Words(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(number):0} {unit}");
}
