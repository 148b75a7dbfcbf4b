using System.Globalization;

namespace WorkinIt.Dev.Benchmarks;

/// <summary>Where a run of <c>./bench --beside</c> is, and about how long the rest takes: the expected time of the rest, corrected by how long the part before it took.</summary>
/// <param name="rows">The rows of the run.</param>
/// <param name="rounds">The rounds of each row.</param>
internal sealed class TimeLeft(IReadOnlyList<BesideRow> rows, int rounds)
{
    /// <summary>Describes the round that begins, such as: row 2 of 6 (accept), round 1 of 5, about 12 min left.</summary>
    /// <param name="row">The index of the row.</param>
    /// <param name="round">The round, from 1; 0 for the preparation.</param>
    /// <param name="elapsed">The time since the start of the run.</param>
    public string Describe(int row, int round, TimeSpan elapsed)
    {
        var before = rows.Take(row).Sum(Expected) + Expected(rows[row], round);
        var rest = rows.Skip(row).Sum(Expected) - Expected(rows[row], round);
        var speed = before > 0 ? elapsed.TotalSeconds / before : 1;
        var part = round == 0 ? "preparation" : string.Create(CultureInfo.InvariantCulture, $"round {round} of {rounds}");
        return string.Create(CultureInfo.InvariantCulture, $"row {row + 1} of {rows.Count} ({rows[row].Name}), {part}, {Text(TimeSpan.FromSeconds(rest * speed))} left");
    }

    /// <summary>Formats a rough time.</summary>
    public static string Text(TimeSpan time) => string.Create(
        CultureInfo.InvariantCulture, $"about {(time.TotalSeconds < 90 ? Math.Ceiling(time.TotalSeconds / 10) * 10 : Math.Round(time.TotalMinutes)):0} {(time.TotalSeconds < 90 ? "s" : "min")}");

    /// <summary>The expected time of the run.</summary>
    public TimeSpan Total => TimeSpan.FromSeconds(rows.Sum(Expected));

    private double Expected(BesideRow row) => Expected(row, rounds + 1);

    // What precedes a round of a row: its preparation and the rounds before.
    private static double Expected(BesideRow row, int round) => round == 0 ? 0 : row.Preparation.TotalSeconds + ((round - 1) * row.Round.TotalSeconds);
}
