using System.Text.RegularExpressions;
using OpenTelemetry.Metrics;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Telling;

[Trait("broker", "any")] // tests the metrics of the services; those of the broker have had the same names since 3.8
[Collection(nameof(ABrokerToStop))] // the test enables a plugin
public sealed partial class GrafanaMetricTests(ABrokerToStop broker, SharedObservedSystem shared) : IClassFixture<SharedObservedSystem>
{
    [Fact]
    public async Task Dashboard_reads_only_metrics_and_labels_that_the_services_and_the_broker_export()
    {
        string exported;
        await using (var system = await WorkinItSystem.CreateAsync(broker.Broker.ForOneSystem()))
            exported = await ReadBrokerAsync(system);
        var labels = LabelsOf(exported);
        foreach (var metric in shared.System.ConsumersMetrics.Concat(shared.System.WebMetrics))
            AddLabels(labels, metric);
        using var dashboard = new GrafanaDashboard();

        var read = dashboard.Queries.SelectMany(GrafanaDashboard.MetricsIn).ToList();

        read.Select(metric => metric.Metric).Where(name => !labels.ContainsKey(name)).Distinct().ShouldBeEmpty();
        foreach (var (metric, selected) in read)
            selected.Where(label => !labels[metric].Contains(label)).ShouldBeEmpty($"labels of {metric}");
        read.Select(metric => metric.Metric.Split('_')[0]).Distinct().ShouldBe(["rabbitmq", "workinit"], ignoreOrder: true);

        async Task<string> ReadBrokerAsync(WorkinItSystem system)
        {
            await system.DeployAsync();
            using var http = new HttpClient { BaseAddress = await broker.Broker.EnablePrometheusAsync() };
            return await Eventually.SeeAsync(
                async () => await http.GetStringAsync("/metrics") + await http.GetStringAsync("/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count"),
                text => text.Contains("queue=\"send-gif-email_error\"", StringComparison.Ordinal), "the broker exports the metrics of the queues");
        }
    }

    private static Dictionary<string, HashSet<string>> LabelsOf(string exported)
    {
        var labels = new Dictionary<string, HashSet<string>>();
        foreach (var line in exported.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var name = line.Split('{', ' ')[0];
            labels.TryAdd(name, []);
            labels[name].UnionWith(Label().Matches(line).Select(match => match.Groups[1].Value));
        }
        return labels;
    }

    // The names that Prometheus gives to OTLP metrics.
    private static void AddLabels(Dictionary<string, HashSet<string>> labels, MetricSnapshot metric)
    {
        var name = metric.Name.Replace('.', '_') + (metric.Unit == "s" ? "_seconds" : "");
        string[] names = metric.MetricType is MetricType.Histogram ? [name + "_bucket", name + "_count", name + "_sum"]
            : metric.MetricType is MetricType.LongSum or MetricType.DoubleSum ? [name + "_total"] : [name];
        foreach (var one in names)
        {
            labels.TryAdd(one, ["job", "instance", .. one.EndsWith("_bucket", StringComparison.Ordinal) ? new[] { "le" } : []]);
            foreach (var point in metric.MetricPoints)
            {
                foreach (var tag in point.Tags)
                    labels[one].Add(tag.Key.Replace('.', '_'));
            }
        }
    }

    [GeneratedRegex("([a-z_]+)=\"[^\"]*\"")]
    private static partial Regex Label();
}
