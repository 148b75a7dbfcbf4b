using Serilog.Core;
using Serilog.Events;

namespace WorkinIt.ServiceDefaults;

/// <summary>
/// Removes keys from paths. The URL of a page below <see cref="NeverAgain"/> contains a key that lets anyone use it. Only the mail's recipient may
/// have it, so it must not appear in logs or traces.
/// </summary>
public static class KeyInPath
{
    /// <summary>The path of the unsubscribe pages that the links in mails lead to. The key follows it.</summary>
    public const string NeverAgain = "/never-again/";

    /// <summary>A path without its key.</summary>
    /// <param name="path">The path of a request.</param>
    public static string Without(string path) => path.StartsWith(NeverAgain, StringComparison.OrdinalIgnoreCase) ? NeverAgain + "…" : path;

    /// <summary>Removes the key from the path that ASP.NET Core adds to each log line about a request.</summary>
    internal sealed class Enricher : ILogEventEnricher
    {
        private const string Path = "RequestPath";

        public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
        {
            if (logEvent.Properties.TryGetValue(Path, out var value) && value is ScalarValue { Value: string path } && Without(path) is var kept && kept != path)
                logEvent.AddOrUpdateProperty(new LogEventProperty(Path, new ScalarValue(kept)));
        }
    }
}
