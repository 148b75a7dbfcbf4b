using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>How long something takes, in words.</summary>
internal static class Duration
{
    /// <summary>In the largest unit of which there are two at least, rounded up.</summary>
    public static string Words(TimeSpan time) =>
        time >= TimeSpan.FromDays(2) ? Words(time.TotalDays, "days")
        : time >= TimeSpan.FromHours(2) ? Words(time.TotalHours, "h")
        : time >= TimeSpan.FromMinutes(2) ? Words(time.TotalMinutes, "min")
        : time >= TimeSpan.FromSeconds(2) ? Words(time.TotalSeconds, "s")
        : Words(time.TotalMilliseconds, "ms");

    private static string Words(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(number):0} {unit}");
}
