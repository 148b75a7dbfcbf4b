using System.Text.Json;
using WorkinIt.Dev.Processes;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Operations;

/// <summary>The dashboard has the structure that Grafana's import requires. TelemetryTests compares its metrics with those that are exported.</summary>
public sealed class GrafanaDashboardTests : IDisposable
{
    private readonly GrafanaDashboard _dashboard = new();

    [Fact]
    public void Dashboard_has_the_fields_that_an_import_requires_and_takes_its_data_source_from_a_variable()
    {
        var root = _dashboard.Root;
        root.GetProperty("title").GetString().ShouldBe("WorkinIt");
        root.GetProperty("uid").GetString()!.Length.ShouldBeInRange(1, 40);
        root.GetProperty("schemaVersion").GetInt32().ShouldBeInRange(36, 41); // Grafana 9 to 12
        root.TryGetProperty("id", out _).ShouldBeFalse(); // an id belongs to one installation
        root.GetProperty("time").GetProperty("from").GetString().ShouldStartWith("now-");
        var variables = root.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => (Name: variable.GetProperty("name").GetString(), Type: variable.GetProperty("type").GetString())).ToList();
        variables.ShouldBe([("datasource", "datasource"), ("vhost", "query")]);
        foreach (var source in Sources(root))
            (source.GetProperty("type").GetString(), source.GetProperty("uid").GetString()).ShouldBe(("prometheus", "${datasource}"));
    }

    [Fact]
    public void Panels_are_complete_and_none_covers_another()
    {
        var taken = new HashSet<(int X, int Y)>();
        foreach (var panel in _dashboard.Panels)
        {
            var title = panel.GetProperty("title").GetString();
            panel.GetProperty("type").GetString().ShouldBeOneOf("stat", "timeseries");
            panel.GetProperty("fieldConfig").GetProperty("defaults").ValueKind.ShouldBe(JsonValueKind.Object);
            panel.GetProperty("fieldConfig").GetProperty("overrides").ValueKind.ShouldBe(JsonValueKind.Array);
            var (x, y, w, h) = (Cell("x"), Cell("y"), Cell("w"), Cell("h"));
            (x + w).ShouldBeLessThanOrEqualTo(24, title);
            foreach (var cell in Enumerable.Range(x, w).SelectMany(column => Enumerable.Range(y, h).Select(row => (column, row))))
                taken.Add(cell).ShouldBeTrue($"{title} covers another panel");
            var targets = panel.GetProperty("targets").EnumerateArray().ToList();
            targets.ShouldNotBeEmpty(title);
            targets.Select(target => target.GetProperty("refId").GetString()).ShouldBeUnique();
            targets.ShouldAllBe(target => target.GetProperty("expr").GetString()!.Length > 0);

            int Cell(string name) => panel.GetProperty("gridPos").GetProperty(name).GetInt32();
        }
        _dashboard.Panels.Select(panel => panel.GetProperty("id").GetInt32()).ShouldBeUnique();
        _dashboard.Panels.Count.ShouldBeGreaterThan(10);
    }

    [Fact]
    public async Task Queries_are_valid_PromQL()
    {
        var rules = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(rules, $"groups:\n- name: dashboard\n  rules:\n{string.Concat(_dashboard.Queries.Select((query, number) => $"  - record: query:{number}\n    expr: {JsonSerializer.Serialize(query)}\n"))}", TestContext.Current.CancellationToken);
            var checkedRules = await new Command("promtool", "check", "rules", rules).CaptureAsync(cancellation: TestContext.Current.CancellationToken);
            checkedRules.Code.ShouldBe(0, checkedRules.Output + checkedRules.Errors);
            checkedRules.Output.ShouldContain($"{_dashboard.Queries.Count} rules found");
        }
        finally
        {
            File.Delete(rules);
        }
    }

    public void Dispose() => _dashboard.Dispose();

    private static IEnumerable<JsonElement> Sources(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(field => field.Name == "datasource" ? [field.Value] : Sources(field.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Sources),
        _ => [],
    };
}
