using System.Globalization;

namespace WorkinIt.Dev.Benchmarks;

/// <summary>The table of <c>./bench --beside</c>, in Markdown.</summary>
internal static class BesideTable
{
    /// <summary>Formats the table.</summary>
    /// <param name="other">The name of the other revision.</param>
    /// <param name="lines">The figures; a comparison is null if its row could not be measured.</param>
    public static string Of(string other, IEnumerable<(BesideFigure Figure, Comparison? Comparison)> lines) => string.Join('\n',
    [
        $"| what | this | {other} | ratio | spread | target | reached |",
        "|---|---|---|---|---|---|---|",
        .. lines.Select(line => line.Comparison is { } comparison ? Line(line.Figure, comparison) : $"| {line.Figure.What} | failed | failed | – | – | {Text(line.Figure)} | **no** |"),
    ]);

    /// <summary>Formats a value with its unit: three digits or more.</summary>
    public static string Value(double value, string unit)
    {
        var number = value.ToString(Math.Abs(value) switch { < 1 => "0.000", < 10 => "0.00", < 100 => "0.0", _ => "N0" }, CultureInfo.InvariantCulture);
        return unit.Length == 0 || unit[0] == '/' ? number + unit : $"{number} {unit}";
    }

    private static string Line(BesideFigure figure, Comparison comparison)
    {
        var reached = figure.Target is not { } target ? "–" : target.IsReached(comparison) ? "yes" : "**no**";
        return $"| {figure.What} | {Value(comparison.This, figure.Unit)} | {Value(comparison.Other, figure.Unit)} | {Ratio(comparison.Ratio)} "
            + $"| {Ratio(comparison.Lowest)}–{Ratio(comparison.Highest)} | {Text(figure)} | {reached} |";
    }

    private static string Text(BesideFigure figure) => figure.Target switch
    {
        null => "–",
        { Of: TargetOf.Ratio } target => $"{Sign(target)} {Ratio(target.Limit)} ×",
        { } target => $"{Sign(target)} {target.Limit.ToString(CultureInfo.InvariantCulture)} {figure.Unit}".TrimEnd(),
    };

    private static string Sign(Target target) => target.IsAtMost ? "≤" : "≥";

    private static string Ratio(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);
}
