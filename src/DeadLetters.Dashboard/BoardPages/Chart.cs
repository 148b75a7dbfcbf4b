using System.Globalization;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>A bar of a chart, in the units of its viewBox.</summary>
/// <param name="Index">The bar's number, from 0.</param>
/// <param name="Count">What it shows.</param>
/// <param name="X">Its left edge, as SVG writes it.</param>
/// <param name="Y">Its upper edge.</param>
/// <param name="Height">Its height; at least 2 if the count is not zero, so that one failure among thousands is visible.</param>
internal sealed record Bar(int Index, long Count, string X, string Y, string Height);

/// <summary>The geometry of the charts. All numbers are finite and within the viewBox, whatever the counts are.</summary>
internal static class Chart
{
    /// <summary>The width of a bar and its gap.</summary>
    public const int Slot = 10;

    /// <summary>The height of a chart.</summary>
    public const int Height = 100;

    private const double Least = 2;

    public static IReadOnlyList<Bar> Bars(IReadOnlyList<long> counts)
    {
        var most = Math.Max(1, counts.DefaultIfEmpty().Max());
        return [.. counts.Select((count, index) =>
        {
            var height = count <= 0 ? 0 : Math.Max(Least, (double)Height * count / most);
            return new Bar(index, count, Svg(index * Slot), Svg(Height - height), Svg(height));
        })];
    }

    /// <summary>The viewBox for a number of bars.</summary>
    public static string ViewBox(int bars) => string.Create(CultureInfo.InvariantCulture, $"0 0 {Math.Max(1, bars) * Slot} {Height}");

    /// <summary>The points of a sparkline's polygon, from the lower left corner around to the lower right one.</summary>
    public static string Area(IReadOnlyList<long> counts)
    {
        var most = Math.Max(1, counts.DefaultIfEmpty().Max());
        var last = Math.Max(1, counts.Count - 1) * Slot;
        var points = counts.Select((count, index) => $"{Svg(index * Slot)},{Svg(Height - ((Height - Least) * Math.Max(0, count) / most))}");
        return string.Join(' ', (IEnumerable<string>)[$"0,{Height}", .. points, $"{Svg(last)},{Height}"]);
    }

    /// <summary>A part of a total as an SVG length: <c>12.5%</c>, at least one that can be seen.</summary>
    public static string Share(long count, long total) =>
        Svg(count <= 0 || total <= 0 ? 0 : Math.Clamp(100.0 * count / total, 1, 100)) + "%";

    private static string Svg(double number) => Math.Round(number, 2).ToString(CultureInfo.InvariantCulture);
}
