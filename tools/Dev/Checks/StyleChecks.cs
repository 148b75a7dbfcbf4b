using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Checks;

/// <summary>./test style.</summary>
internal static class StyleChecks
{
    private static readonly string[] _scripts =
        ["run", "test", "bench", "workinit", "dev/tool", "dev/audit", "dev/broker", "dev/cluster", "dev/publish", "dev/kubernetes/check", "dev/mail/catcher", ".ci/run"];

    /// <summary>Runs the checks and counts the failures.</summary>
    public static async Task RunAsync(TestRun run)
    {
        await run.CheckAsync("dotnet format", "dotnet", "format", "WorkinIt.sln", "--verify-no-changes", "--no-restore");
        await run.CheckAsync("shellcheck", "shellcheck", ["-x", .. _scripts]);
        await run.CheckAsync("Kubernetes manifest", "dev/kubernetes/check", Files("deploy/kubernetes", "*.yaml"));
        await run.CheckAsync("alert rules", "promtool", ["test", "rules", .. Files("deploy/prometheus", "*.test.yml")]);
        await AuditAsync(run);
    }

    // Not a test that can pass or be skipped. If no registry has vulnerability data, ./test prints that, here and above its last line.
    private static async Task AuditAsync(TestRun run)
    {
        TestRun.Heading("known vulnerabilities of packages");
        var log = run.LogOf("audit");
        var code = await run.InTurnAsync(new Processes.Command(Path.Combine(Repository.Dev, "audit")) { Log = log });
        string[] lines = [.. Output.Lines(log)];
        foreach (var line in lines)
            Output.Say(line);
        if (code == PackageAudit.NotAllChecked)
        {
            run.Unchecked = string.Join('\n', lines.Where(line => line.StartsWith("NOT CHECKED", StringComparison.Ordinal)));
        }
        else if (code != 0)
        {
            run.Tally.Fail("dev/audit");
            Output.Say("FAILED: dev/audit");
        }
    }

    private static string[] Files(string folder, string pattern) =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, folder), pattern).Order(StringComparer.Ordinal)];
}
