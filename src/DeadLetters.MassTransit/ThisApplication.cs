using System.Reflection;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>What a report says about the application.</summary>
internal static class ThisApplication
{
    private static readonly Assembly? _assembly = Assembly.GetEntryAssembly();

    public static string Machine { get; } = Environment.MachineName;

    public static string? Name { get; } = _assembly?.GetName().Name;

    /// <summary>The informational version without the commit, else the assembly's version.</summary>
    public static string? Version { get; } =
        _assembly?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? _assembly?.GetName().Version?.ToString();
}
