using System.Text.RegularExpressions;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Operations;

/// <summary>Each alert names its section of docs/operations.md, which says what to do, and each section has its alert.</summary>
public sealed partial class AlertRunbookTests
{
    [Fact]
    public void Each_alert_names_the_runbook_section_that_says_what_to_do()
    {
        var alerts = Alert().Matches(Read("deploy/prometheus/workinit.rules.yml")).Select(match => (Name: match.Groups[1].Value, Runbook: match.Groups[2].Value)).ToList();
        var chapter = Read("docs/operations.md").Split("\n## What to do when …\n")[1].Split("\n## ")[0];
        var sections = Section().Matches(chapter).Select(match => match.Groups[1].Value).ToList();

        alerts.Select(alert => alert.Name).ShouldBe(sections, ignoreOrder: true);
        alerts.ShouldAllBe(alert => alert.Runbook == $"docs/operations.md#{alert.Name.ToLowerInvariant()}");
        alerts.Count.ShouldBe(Read("deploy/prometheus/workinit.rules.yml").Split("- alert: ").Length - 1);
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    [GeneratedRegex("- alert: (.+)\n(?: {8,}.*\n)*? +runbook: (.+)")]
    private static partial Regex Alert();

    [GeneratedRegex("^### (.+)$", RegexOptions.Multiline)]
    private static partial Regex Section();
}
