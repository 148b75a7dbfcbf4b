namespace WorkinIt.Cli.Granting;

/// <summary>The regular expression of one permission in RabbitMQ. An empty one permits nothing.</summary>
internal static class RightsPattern
{
    /// <summary>The expression that permits exactly these names.</summary>
    /// <param name="alternatives">Regular expressions without anchors.</param>
    public static string Of(IEnumerable<string> alternatives) => $"^({string.Join('|', alternatives.Distinct())})$";

    /// <summary>Adds what is missing to an expression. Nothing that it permits is lost.</summary>
    /// <param name="existing">The expression.</param>
    /// <param name="needed">Regular expressions without anchors.</param>
    /// <returns>The expression itself if it already has all of them.</returns>
    public static string With(string existing, IReadOnlyList<string> needed)
    {
        if (existing.Length == 0)
            return Of(needed);
        if (existing is ".*" or "^.*$" or "^.*" or ".*$")
            return existing;
        if (AlternativesOf(existing) is not { } alternatives)
            return Split(existing).Contains(Of(needed)) ? existing : $"{existing}|{Of(needed)}";
        return needed.All(alternatives.Contains) ? existing : Of(alternatives.Concat(needed));
    }

    /// <summary>The parts of an expression beside the needed ones.</summary>
    public static IReadOnlyList<string> Beyond(string existing, IReadOnlyList<string> needed) =>
        existing.Length == 0 ? [] : [.. (AlternativesOf(existing) ?? Split(existing)).Except(needed).Except([Of(needed)])];

    // Null: it is not of the form ^(…|…)$.
    private static Parts? AlternativesOf(string pattern)
    {
        if (!pattern.StartsWith("^(", StringComparison.Ordinal) || !pattern.EndsWith(")$", StringComparison.Ordinal) || pattern.StartsWith("^(?", StringComparison.Ordinal))
            return null;
        return Split(pattern[2..^2]) is { IsBalanced: true } parts ? parts : null;
    }

    /// <summary>Splits at each bar that is in no group, no class, and not escaped.</summary>
    private static Parts Split(string pattern)
    {
        var parts = new Parts();
        var (start, depth, isClass) = (0, 0, false);
        for (var at = 0; at < pattern.Length; at++)
        {
            switch (pattern[at])
            {
                case '\\':
                    at++;
                    break;
                case '[' when !isClass:
                    isClass = true;
                    at += pattern.AsSpan(at + 1) is ['^', ']', ..] ? 2 : pattern.AsSpan(at + 1) is [']', ..] ? 1 : 0;
                    break;
                case ']':
                    isClass = false;
                    break;
                case '(' when !isClass:
                    depth++;
                    break;
                case ')' when !isClass:
                    parts.IsBalanced &= --depth >= 0;
                    break;
                case '|' when !isClass && depth == 0:
                    parts.Add(pattern[start..at]);
                    start = at + 1;
                    break;
            }
        }
        parts.IsBalanced &= depth == 0 && !isClass;
        parts.Add(pattern[start..]);
        return parts;
    }

    private sealed class Parts : List<string>
    {
        public bool IsBalanced { get; set; } = true;
    }
}
