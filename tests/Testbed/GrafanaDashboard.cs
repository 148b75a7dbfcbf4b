using System.Text.Json;
using System.Text.RegularExpressions;
using WorkinIt.Dev;

namespace WorkinIt.Testbed;

/// <summary>The dashboard in deploy/grafana.</summary>
public sealed partial class GrafanaDashboard : IDisposable
{
    private readonly JsonDocument _json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy", "grafana", "workinit.json")));

    /// <summary>The document.</summary>
    public JsonElement Root => _json.RootElement;

    /// <summary>The panels.</summary>
    public IReadOnlyList<JsonElement> Panels => [.. Root.GetProperty("panels").EnumerateArray()];

    /// <summary>The queries of all panels, with values in place of Grafana's variables.</summary>
    public IReadOnlyList<string> Queries =>
        [.. Panels.SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!
            .Replace("$__rate_interval", "5m", StringComparison.Ordinal).Replace("$vhost", ".*", StringComparison.Ordinal))];

    /// <summary>The metrics that a query reads, each with the labels that it selects by.</summary>
    /// <param name="query">The query.</param>
    public static IEnumerable<(string Metric, string[] Labels)> MetricsIn(string query) => Metric().Matches(Grouping().Replace(query, " "))
        .Select(match => (match.Groups["name"].Value, Label().Matches(match.Groups["labels"].Value).Select(label => label.Groups[1].Value).ToArray()));

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();

    [GeneratedRegex(@"\b(?<name>[a-z]+_[a-z0-9_]+)\b(?!\s*\()(?:\{(?<labels>[^}]*)\})?")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\b(?:by|on|without|ignoring)\s*\([^)]*\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"([a-z_]+)\s*(?:=|!=|=~|!~)""")]
    private static partial Regex Label();
}
