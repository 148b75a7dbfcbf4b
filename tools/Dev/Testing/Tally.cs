using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace WorkinIt.Dev.Testing;

/// <summary>The counts of a test run.</summary>
internal sealed partial class Tally
{
    /// <summary>Tests that passed.</summary>
    public int Passed { get; private set; }

    /// <summary>Tests that failed, and steps that could not be completed.</summary>
    public int Failed { get; private set; }

    /// <summary>Tests that did not run.</summary>
    public int Skipped { get; private set; }

    // Begins a line that names a failure. AddOutput reads these lines from the output of a nested ./test.
    private const string Mark = "FAILED  ";

    private const int LongestReason = 400;

    private readonly List<string> _failures = [];

    /// <summary>Counts one passed test.</summary>
    public void Pass() => Passed++;

    /// <summary>Counts one failed test.</summary>
    /// <param name="name">The test, or the step.</param>
    public void Fail(string name)
    {
        Failed++;
        _failures.Add(Mark + name);
    }

    /// <summary>The end of a run: a line for each failure, and the counts. The last lines are enough to see what failed.</summary>
    public IEnumerable<string> LastLines => [.. _failures, ToString()];

    /// <summary>Adds the counts of the report of a test program.</summary>
    /// <param name="report">The path of the report, in xUnit's XML.</param>
    /// <param name="exitCode">The exit code of the program. A failure outside any test, such as a crash after the last one, counts too.</param>
    /// <returns>Why a failure that is not in the report was counted, or null.</returns>
    public string? AddReport(string report, int exitCode)
    {
        var (before, counts) = (Failed, new List<(int Passed, int Failed, int Skipped)>());
        var problem = Read(report, counts, _failures);
        foreach (var count in counts)
        {
            Passed += count.Passed;
            Failed += count.Failed;
            Skipped += count.Skipped;
        }
        if (problem.Length == 0 && (exitCode == 0 || Failed > before))
            return null;
        Fail($"{Path.GetFileNameWithoutExtension(report)} ended with exit code {exitCode}{problem}");
        return $"ended with exit code {exitCode}{problem}.";
    }

    /// <summary>Adds the counts and the failures of another run, by its output. If the last line is not the counts, that is a failure.</summary>
    /// <param name="name">What ran.</param>
    /// <param name="output">The lines of its output.</param>
    public void AddOutput(string name, IReadOnlyList<string> output)
    {
        _failures.AddRange(output.Where(line => line.StartsWith(Mark, StringComparison.Ordinal)));
        if (LastLine().Match(output.Count > 0 ? output[^1] : "") is not { Success: true } match)
        {
            Fail($"{name} ended without its counts");
            return;
        }
        Passed += Number(match, 1);
        Failed += Number(match, 2);
        Skipped += Number(match, 3);
    }

    /// <summary>The counts, as in the last line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Passed} passed, {Failed} failed, {Skipped} skipped");

    // Returns what is wrong with the report, or an empty text.
    private static string Read(string report, List<(int Passed, int Failed, int Skipped)> counts, List<string> failures)
    {
        try
        {
            if (File.Exists(report))
                ReadAssemblies(report, counts, failures);
        }
        catch (XmlException)
        {
            return " and wrote an incomplete report";
        }
        return counts.Count > 0 ? "" : " and wrote no report";
    }

    private static void ReadAssemblies(string report, List<(int Passed, int Failed, int Skipped)> counts, List<string> failures)
    {
        using var reader = XmlReader.Create(report, new XmlReaderSettings { CheckCharacters = false }); // output of tests may contain any character
        while (reader.Read())
        {
            if (reader is { NodeType: XmlNodeType.Element, Name: "assembly" })
                counts.Add((Number(reader, "passed"), Number(reader, "failed") + Number(reader, "errors"), Number(reader, "skipped") + Number(reader, "not-run")));
            else if (reader is { NodeType: XmlNodeType.Element, Name: "test" } && reader.GetAttribute("result") == "Fail")
                failures.Add(Mark + Describe(reader));
            else if (reader is { NodeType: XmlNodeType.Element, Name: "error" })
                failures.Add($"{Mark}{reader.GetAttribute("type")} {reader.GetAttribute("name")}".TrimEnd()); // outside any test, such as the cleanup of a fixture
        }
    }

    // The test and why it failed, in one line: the end of a log may be all that is left of a run.
    private static string Describe(XmlReader reader)
    {
        using var element = reader.ReadSubtree();
        var test = XElement.Load(element);
        var message = Spaces().Replace(test.Element("failure")?.Element("message")?.Value ?? "", " ").Trim();
        var place = SourceLine().Match(test.Element("failure")?.Element("stack-trace")?.Value ?? "");
        return $"{test.Attribute("name")?.Value}{(place.Success ? $" ({place.Groups[1].Value})" : "")}{(message.Length == 0 ? "" : ": ")}{(message.Length > LongestReason ? message[..LongestReason] + "…" : message)}";
    }

    private static int Number(XmlReader reader, string attribute) =>
        int.TryParse(reader.GetAttribute(attribute), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex("^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$")]
    private static partial Regex LastLine();

    [GeneratedRegex("""([^/\\]+\.cs:(?:line )?[0-9]+)""")]
    private static partial Regex SourceLine();

    [GeneratedRegex("""\s+""")]
    private static partial Regex Spaces();
}
