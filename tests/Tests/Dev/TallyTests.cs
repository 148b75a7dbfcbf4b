using WorkinIt.Dev.Testing;

namespace WorkinIt.Tests.Dev;

/// <summary>The counts of the last line of ./test.</summary>
public sealed class TallyTests : IDisposable
{
    private readonly string _report = Path.GetTempFileName();
    private readonly Tally _tally = new();

    public void Dispose() => File.Delete(_report);

    [Fact]
    public void Report_is_counted()
    {
        Write("""<assembly name="x" total="9" passed="5" failed="1" skipped="2" not-run="1" errors="1" />""");
        _tally.AddReport(_report, exitCode: 2).ShouldBeNull();
        _tally.ToString().ShouldBe("5 passed, 2 failed, 3 skipped");
    }

    [Fact]
    public void Crash_after_the_last_test_counts_as_a_failure()
    {
        Write("""<assembly name="x" passed="5" failed="0" skipped="0" not-run="0" errors="0" />""");
        _tally.AddReport(_report, exitCode: 134).ShouldBe("ended with exit code 134.");
        _tally.ToString().ShouldBe("5 passed, 1 failed, 0 skipped");
    }

    [Fact]
    public void Missing_report_counts_as_a_failure()
    {
        _tally.AddReport("/nowhere/report.xml", exitCode: 0).ShouldBe("ended with exit code 0 and wrote no report.");
        _tally.Failed.ShouldBe(1);
    }

    [Fact]
    public void Half_a_report_is_counted_and_counts_as_a_failure()
    {
        File.WriteAllText(_report, """<?xml version="1.0"?><assemblies><assembly name="x" passed="5" failed="0" skipped="0" not-run="0" errors="0"><collection>""");
        _tally.AddReport(_report, exitCode: 137).ShouldBe("ended with exit code 137 and wrote half a report.");
        _tally.ToString().ShouldBe("5 passed, 1 failed, 0 skipped");
    }

    [Fact]
    public void Last_lines_are_added()
    {
        _tally.AddLastLine("12 passed, 0 failed, 3 skipped");
        _tally.AddLastLine("1 passed, 2 failed, 0 skipped");
        _tally.ToString().ShouldBe("13 passed, 2 failed, 3 skipped");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("12 passed, 0 failed")]
    [InlineData("Build: 12 passed, 0 failed, 3 skipped")]
    public void Another_last_line_counts_as_a_failure(string? line)
    {
        _tally.AddLastLine(line);
        _tally.ToString().ShouldBe("0 passed, 1 failed, 0 skipped");
    }

    private void Write(string assembly) => File.WriteAllText(_report, $"<?xml version=\"1.0\"?><assemblies>{assembly}</assemblies>");
}
