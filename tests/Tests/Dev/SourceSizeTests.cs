using System.Text.RegularExpressions;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Dev;

/// <summary>What CONTRIBUTING.md says about the size of files.</summary>
public sealed partial class SourceSizeTests
{
    private const int Most = 200;

    [Fact]
    public void File_of_src_with_more_than_200_lines_has_its_reason_in_CONTRIBUTING_and_no_other_file_has_one()
    {
        var table = File.ReadLines(Path.Combine(Repository.Root, "CONTRIBUTING.md")).Where(line => line.StartsWith("| `src/", StringComparison.Ordinal));
        var excused = table.SelectMany(line => Name().Matches(line.Split('|')[1])).Select(match => Path.GetFileName(match.Groups[1].Value));
        var large = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".razor" && !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(file => File.ReadLines(file).Count() > Most)
            .Select(file => Path.GetFileName(file));
        excused.Order().ShouldBe(large.Order());
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();
}
