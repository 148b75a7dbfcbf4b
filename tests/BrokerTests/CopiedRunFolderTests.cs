using System.Diagnostics;
using System.Globalization;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Running;
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
        // A service is recognized by its process id, its start time and its working folder.
        var (original, copy) = (Path.Combine(_folder, "original"), Path.Combine(_folder, "copy"));
        foreach (var folder in new[] { original, copy })
            Directory.CreateDirectory(Path.Combine(folder, "bin", "Web"));
        var pid = Path.Combine(original, "web.pid");
        using var web = new Command("sleep", "60") { Folder = Path.Combine(original, "bin", "Web") }.Start();
        new PidFile(pid).Remember(web.Id);
        foreach (var file in Directory.GetFiles(original))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));

        await new LocalRun(copy, new RunPorts()).EndLeftoversAsync();
        ProcessTable.Machine.IsRunning(web.Id).ShouldBeTrue("a copy ended the process of the original");

        var started = await File.ReadAllTextAsync(pid + ".started");
        await File.WriteAllTextAsync(pid + ".started", "1 of another boot\n");
        await new LocalRun(original, new RunPorts()).EndLeftoversAsync();
        ProcessTable.Machine.IsRunning(web.Id).ShouldBeTrue("ended a process of another boot that has the same id");

        await File.WriteAllTextAsync(pid + ".started", started);
        await new LocalRun(original, new RunPorts()).EndLeftoversAsync();
        ProcessTable.Machine.IsRunning(web.Id).ShouldBeFalse("did not end its own process");
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
