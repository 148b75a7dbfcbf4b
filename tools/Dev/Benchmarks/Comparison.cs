namespace WorkinIt.Dev.Benchmarks;

/// <summary>One figure of this build and of another one, measured alternately. The machine's speed changes between rounds, so only values of the same round are divided.</summary>
/// <param name="rounds">The values of each round, in the same unit.</param>
internal sealed class Comparison(IReadOnlyList<(double This, double Other)> rounds)
{
    /// <summary>The median of this build.</summary>
    public double This { get; } = Median(rounds.Select(round => round.This));

    /// <summary>The median of the other build.</summary>
    public double Other { get; } = Median(rounds.Select(round => round.Other));

    /// <summary>The median of the ratios this / other of each round.</summary>
    public double Ratio { get; } = Median(rounds.Select(Divide));

    /// <summary>The lowest ratio of a round.</summary>
    public double Lowest { get; } = rounds.Min(Divide);

    /// <summary>The highest ratio of a round.</summary>
    public double Highest { get; } = rounds.Max(Divide);

    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    /// <param name="values">At least one value.</param>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    // Two equal zeros, such as a CPU time below the clock's resolution, are equal.
    private static double Divide((double This, double Other) round) => round.This.Equals(round.Other) ? 1 : round.This / round.Other;
}

/// <summary>What a figure should reach.</summary>
/// <param name="Of">What is compared with the limit.</param>
/// <param name="IsAtMost">Whether the limit is the highest value that is good; otherwise the lowest.</param>
/// <param name="Limit">The limit: a ratio, or a value in the figure's unit.</param>
internal sealed record Target(TargetOf Of, bool IsAtMost, double Limit)
{
    /// <summary>Returns whether the comparison reaches it.</summary>
    public bool IsReached(Comparison comparison)
    {
        var value = Of == TargetOf.Ratio ? comparison.Ratio : comparison.This;
        return IsAtMost ? value <= Limit : value >= Limit;
    }
}

/// <summary>What a target limits.</summary>
internal enum TargetOf
{
    /// <summary>The ratio of this build to the other one.</summary>
    Ratio,

    /// <summary>The value of this build.</summary>
    Value,
}
