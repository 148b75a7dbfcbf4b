using Serilog.Core;
using Serilog.Events;

namespace WorkinIt.ServiceDefaults;

/// <summary>
/// Who has the address of a page below <see cref="NeverAgain"/> may use it: it is for its recipient, and for nobody who reads logs or traces.
/// </summary>
public static class KeyInPath
{
    /// <summary>The pages that a link in a mail leads to; what follows is the key.</summary>
    public const string NeverAgain = "/never-again/";

    /// <summary>A path without its key.</summary>
    /// <param name="path">The path of a request.</param>
    public static string Without(string path) => path.StartsWith(NeverAgain, StringComparison.OrdinalIgnoreCase) ? NeverAgain + "…" : path;

    /// <summary>Takes the key out of the path that ASP.NET Core puts on each line about a request.</summary>
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
