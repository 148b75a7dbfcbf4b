using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;

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

    /// <summary>Counts one passed test.</summary>
    public void Pass() => Passed++;

    /// <summary>Counts one failed test.</summary>
    public void Fail() => Failed++;

    /// <summary>Adds the counts of the report of a test program.</summary>
    /// <param name="report">The path of the report, in xUnit's XML.</param>
    /// <param name="exitCode">The exit code of the program. A failure outside any test, such as a crash after the last one, counts too.</param>
    /// <returns>Why a failure that is not in the report was counted, or null.</returns>
    public string? AddReport(string report, int exitCode)
    {
        var (before, counts) = (Failed, new List<(int Passed, int Failed, int Skipped)>());
        var problem = Read(report, counts);
        foreach (var count in counts)
        {
            Passed += count.Passed;
            Failed += count.Failed;
            Skipped += count.Skipped;
        }
        if (problem.Length == 0 && (exitCode == 0 || Failed > before))
            return null;
        Failed++;
        return $"ended with exit code {exitCode}{problem}.";
    }

    /// <summary>Adds the counts of another run, by the last line of its output. Any other last line counts as a failure.</summary>
    public void AddLastLine(string? line)
    {
        if (LastLine().Match(line ?? "") is not { Success: true } match)
        {
            Failed++;
            return;
        }
        Passed += Number(match, 1);
        Failed += Number(match, 2);
        Skipped += Number(match, 3);
    }

    /// <summary>The last line of a test run.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Passed} passed, {Failed} failed, {Skipped} skipped");

    // Returns what is wrong with the report, or an empty text.
    private static string Read(string report, List<(int Passed, int Failed, int Skipped)> counts)
    {
        try
        {
            counts.AddRange(File.Exists(report) ? Assemblies(report) : []);
        }
        catch (XmlException)
        {
            return " and wrote half a report";
        }
        return counts.Count > 0 ? "" : " and wrote no report";
    }

    private static IEnumerable<(int Passed, int Failed, int Skipped)> Assemblies(string report)
    {
        using var reader = XmlReader.Create(report, new XmlReaderSettings { CheckCharacters = false }); // output of tests may contain any character
        while (reader.ReadToFollowing("assembly"))
            yield return (Number(reader, "passed"), Number(reader, "failed") + Number(reader, "errors"), Number(reader, "skipped") + Number(reader, "not-run"));
    }

    private static int Number(XmlReader reader, string attribute) =>
        int.TryParse(reader.GetAttribute(attribute), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex("^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$")]
    private static partial Regex LastLine();
}
