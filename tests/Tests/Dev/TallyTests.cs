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
        _tally.AddReport(_report, exitCode: 137).ShouldBe("ended with exit code 137 and wrote an incomplete report.");
        _tally.ToString().ShouldBe("5 passed, 1 failed, 0 skipped");
    }

    [Fact]
    public void Failed_tests_of_a_report_are_named_at_the_end()
    {
        Write("""
            <assembly name="x" passed="1" failed="1" skipped="0" not-run="0" errors="1"><errors><error type="class-cleanup" name="OfBoth" /></errors>
              <collection><test name="Good" result="Pass" /><test name="Bad" result="Fail" /></collection></assembly>
            """);
        _tally.AddReport(_report, exitCode: 2);
        _tally.LastLines.ShouldBe(["FAILED  class-cleanup OfBoth", "FAILED  Bad", "1 passed, 2 failed, 0 skipped"]);
    }

    [Fact]
    public void Failed_tests_are_named_with_the_place_and_the_reason_in_one_line()
    {
        Write("""
            <assembly name="x" passed="1" failed="2" skipped="0" not-run="0" errors="0"><collection>
              <test name="Bad" result="Fail"><failure exception-type="E"><message><![CDATA[E : 1
              should be 2]]></message><stack-trace><![CDATA[  at T.Bad() in /_/tests/Folder/BadTests.cs:12]]></stack-trace></failure></test>
              <test name="Good" result="Pass" />
              <test name="Worse" result="Fail"><failure><message>!!!</message></failure></test></collection></assembly>
            """.Replace("!!!", new string('x', 500), StringComparison.Ordinal));
        _tally.AddReport(_report, exitCode: 2);
        _tally.LastLines.ShouldBe(["FAILED  Bad (BadTests.cs:12): E : 1 should be 2", $"FAILED  Worse: {new string('x', 400)}…", "1 passed, 2 failed, 0 skipped"]);
    }

    [Fact]
    public void Counts_and_failures_of_other_runs_are_added()
    {
        _tally.AddOutput("first", ["== Tests", "12 passed, 0 failed, 3 skipped"]);
        _tally.AddOutput("second", ["FAILED: build. Full output: build.log", "FAILED  build", "1 passed, 2 failed, 0 skipped"]);
        _tally.Fail("third");
        _tally.LastLines.ShouldBe(["FAILED  build", "FAILED  third", "13 passed, 3 failed, 3 skipped"]);
    }

    [Theory]
    [InlineData]
    [InlineData("")]
    [InlineData("12 passed, 0 failed")]
    [InlineData("Build: 12 passed, 0 failed, 3 skipped")]
    [InlineData("12 passed, 0 failed, 3 skipped", "Killed")]
    public void Output_without_counts_at_its_end_counts_as_a_failure(params string[] output)
    {
        _tally.AddOutput("./test", output);
        _tally.LastLines.ShouldBe(["FAILED  ./test ended without its counts", "0 passed, 1 failed, 0 skipped"]);
    }

    private void Write(string assembly) => File.WriteAllText(_report, $"<?xml version=\"1.0\"?><assemblies>{assembly}</assemblies>");
}
