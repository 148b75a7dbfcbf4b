namespace WorkinIt.Dev.Building;

/// <summary>The output of a build.</summary>
internal static class BuildOutput
{
    /// <summary>Prints the errors and warnings in a log, or its last lines if it has none.</summary>
    public static void WarnErrors(string log)
    {
        string[] found = [.. Output.Lines(log).Where(line => line.Contains(": error ", StringComparison.Ordinal) || line.Contains(": warning ", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
        foreach (var line in found.TakeLast(15))
            Output.Warn(line);
        if (found.Length == 0)
            Output.WarnTail(log);
    }
}
