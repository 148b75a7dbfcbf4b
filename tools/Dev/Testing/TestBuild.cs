using WorkinIt.Dev.Building;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Testing;

/// <summary>What the tests build.</summary>
internal static class TestBuild
{
    /// <summary>Builds the solution with all analyzers. Does nothing if nothing changed, because .ci/run runs ./test several times.</summary>
    /// <returns>Whether it succeeded.</returns>
    public static async Task<bool> BuildAsync(TestRun run)
    {
        var note = Path.Combine(Repository.Artifacts, ".built"); // deleting the build deletes the note
        var now = Sources();
        if (File.Exists(note) && await File.ReadAllTextAsync(note, run.Cancellation) == now)
            return true;
        using var turn = await BuildLock.TakeAsync(run.Cancellation);
        if (!await run.CheckAsync("build", "dotnet", ["build", "WorkinIt.sln", "-p:RestoreLockedMode=true", .. DotnetSdk.BuildFlags]))
            return false;
        if (Sources() == now)
            await File.WriteAllTextAsync(note, now, run.Cancellation);
        return true;
    }

    /// <summary>
    /// Publishes the services, compiled ahead of time, as in the images. It takes 5 s more, and halves the startup work of each of the hundreds of
    /// processes.
    /// </summary>
    /// <returns>Whether it succeeded.</returns>
    public static async Task<bool> PublishAsync(TestRun run)
    {
        TestRun.Heading("publish");
        var bin = Path.Combine(run.State, "bin");
        try
        {
            await new Publisher(bin, beforehand: true).EnsureAsync(Publisher.All, run.LogOf("publish"), run.Cancellation);
        }
        catch (ToolException e)
        {
            Output.Warn(e.Message);
            run.Tally.Fail("publish");
            return false;
        }
        Environment.SetEnvironmentVariable("WORKINIT_TEST_BIN", bin);
        return true;
    }

    private static string Sources() => SourceState.Of(["src", "samples", "tests", "docs", "tools"]);
}
