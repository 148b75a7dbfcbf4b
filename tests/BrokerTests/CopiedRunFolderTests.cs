using System.Diagnostics;
using System.Globalization;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A folder of <c>./run</c> or of a script, copied while its processes run. The copy never stops the processes of the original.</summary>
[Trait("broker", "any")] // tests scripts and folders only
public sealed class CopiedRunFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-copy-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Copy_of_the_broker_folder_neither_stops_nor_kills_nor_removes_the_broker()
    {
        using var broker = TestBroker.FromEnvironment();
        var id = broker.ProcessId;
        var copy = Path.Combine(_folder, "broker");
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.GetFiles(TestBroker.Required("WORKINIT_TEST_BROKER_DIR")).Where(file => new FileInfo(file).Length < 1_000))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));

        await RunAsync(TestBroker.Required("WORKINIT_TEST_BROKER"), "stop", copy);
        (await RunAsync(TestBroker.Required("WORKINIT_TEST_BROKER"), "kill", copy)).ShouldNotBe(0);
        await RunAsync(TestBroker.Required("WORKINIT_TEST_BROKER"), "remove", copy);

        broker.ProcessId.ShouldBe(id);
        (await broker.VersionAsync()).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Copy_of_the_mail_catcher_folder_does_not_stop_the_mail_catcher()
    {
        var original = TestBroker.Required("WORKINIT_TEST_CATCHER_DIR");
        var copy = Path.Combine(_folder, "catcher");
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.GetFiles(original, "*.p*"))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));

        await RunAsync(TestBroker.Required("WORKINIT_TEST_CATCHER"), "stop", copy);

        using var catcher = Process.GetProcessById(int.Parse(await File.ReadAllTextAsync(Path.Combine(original, "catcher.pid")), CultureInfo.InvariantCulture));
        catcher.HasExited.ShouldBeFalse();
    }

    [Fact]
    public async Task Run_from_a_copied_folder_ends_its_own_services_and_not_those_of_the_original()
    {
        // The script recognizes a service by two things: its command line contains "WorkinIt.", and its working folder is the one where services are published.
        var script = $$"""
            here='{{Repository.Root}}' && . "$here/dev/lib.sh"
            begin() { run_dir=$1; mkdir -p "$run_dir/bin/Web" "$run_dir/bin/Consumers"; . "$here/dev/run-local.sh"; }
            begin '{{_folder}}/a'
            (cd "$run_dir/bin/Web" && exec -a WorkinIt.Web.dll sleep 60) &
            web=$!
            wait_until 5 grep -qa WorkinIt "/proc/$web/cmdline"
            remember_process "$run_dir/web.pid" "$web"
            cp -r '{{_folder}}/a' '{{_folder}}/b'
            begin '{{_folder}}/b' && end_leftovers
            running "$web" || { echo "a copy ended the process of the original"; exit 1; }
            begin '{{_folder}}/a'
            started=$(cat "$run_dir/web.pid.started") && echo "1 of another boot" >"$run_dir/web.pid.started" && end_leftovers
            running "$web" || { echo "ended a process of another boot that has the same id"; exit 2; }
            echo "$started" >"$run_dir/web.pid.started" && end_leftovers
            gone "$web" || { kill "$web"; echo "did not end its own process"; exit 3; }
            """;
        (await RunAsync("bash", "-c", script)).ShouldBe(0);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(await output);
        return process.ExitCode;
    }
}
