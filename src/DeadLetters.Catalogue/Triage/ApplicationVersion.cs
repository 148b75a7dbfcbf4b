namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>Compares versions of an application, as MassTransit writes them: <c>2.4.1.0</c>, or whatever the application uses.</summary>
internal static class ApplicationVersion
{
    /// <summary>Whether a version is the asked one or a later one. Versions that are not numbers are compared as text: only the same one counts.</summary>
    public static bool IsAtLeast(string seen, string asked) =>
        Read(seen) is { } one && Read(asked) is { } other ? one >= other : string.Equals(seen, asked, StringComparison.OrdinalIgnoreCase);

    /// <summary>The lowest of some versions; null if there is none.</summary>
    public static string? Lowest(IEnumerable<string> versions) =>
        versions.OrderBy(version => Read(version) ?? new Version(int.MaxValue, 0, 0, 0)).ThenBy(version => version, StringComparer.Ordinal).FirstOrDefault();

    // 2, 2.4 and 2.4.0.0 are complete in the same way: .NET takes a missing part for less than zero. What follows a plus is not part of the order.
    private static Version? Read(string text)
    {
        text = text.Split('+')[0].TrimStart('v');
        return Version.TryParse(text.Contains('.', StringComparison.Ordinal) ? text : text + ".0", out var version)
            ? new Version(version.Major, version.Minor, Math.Max(version.Build, 0), Math.Max(version.Revision, 0))
            : null;
    }
}
