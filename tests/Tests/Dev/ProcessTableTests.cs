using System.Diagnostics;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Tests.Dev;

public sealed class ProcessTableTests
{
    /// <summary>A broker's start script becomes another program several times: a start in a test was given up because the broker seemed not to be ours.</summary>
    [Fact]
    public async Task Process_that_becomes_another_program_keeps_its_variable_or_has_none_at_that_moment()
    {
        var start = new ProcessStartInfo("sh", ["-c", "exec sh -c \"$0\" \"$0\"", "exec sh -c \"$0\" \"$0\""]);
        start.Environment["WORKINIT_OWNER"] = "this test";
        start.Environment["WORKINIT_LONG"] = new string('x', 20_000); // one read does not return all of it
        using var process = Process.Start(start)!;
        try
        {
            for (var (seen, tried) = (0, 0); seen < 2_000; tried++)
            {
                Assert.False(process.HasExited);
                Assert.True(tried < 1_000_000, "the environment was never there");
                if (ProcessTable.Machine.HasVariable(process.Id, "WORKINIT_OWNER=this test") is not { } has)
                    continue;
                Assert.True(has);
                seen++;
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void Variable_that_a_process_does_not_have_is_not_found() =>
        Assert.False(ProcessTable.Machine.HasVariable(Environment.ProcessId, "WORKINIT_OWNER=nobody"));
}
