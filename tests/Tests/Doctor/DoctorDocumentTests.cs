using WorkinIt.DeadLetters;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Doctor;

/// <summary>docs/doctor.md has one row for each rule, in the order of the registry, with its texts.</summary>
public sealed class DoctorDocumentTests
{
    [Fact]
    public void Table_of_rules_equals_the_registry() =>
        File.ReadLines(Path.Combine(Repository.Root, "docs", "doctor.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .ShouldBe(DoctorRules.All.Select(rule => $"| `{rule.Id}` | {rule.Title} | {rule.Seen} |"));

    [Fact]
    public void Every_rule_of_the_folder_is_registered_once_and_has_an_id_of_its_own()
    {
        var rules = typeof(DoctorRule).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(DoctorRule))).Select(type => type.Name);
        DoctorRules.All.Select(rule => rule.GetType().Name).Order(StringComparer.Ordinal).ShouldBe(rules.Order(StringComparer.Ordinal));
        DoctorRules.All.Select(rule => rule.Id).ShouldBeUnique();
    }
}
