using System.Text.RegularExpressions;
using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Building;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Mail;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Running;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Documents;

/// <summary>A copy of the source tree in which a document is tried, with free ports instead of the default ones.</summary>
/// <param name="folder">The folder of the copy.</param>
internal sealed class DocumentCopy(string folder)
{
    private readonly Dictionary<int, (string Variable, int Port)> _ports = new()
    {
        [8080] = ("WORKINIT_WEB_PORT", Ports.TakeFree()),
        [8081] = ("WORKINIT_CONSUMERS_PORT", Ports.TakeFree()),
        [5672] = ("WORKINIT_AMQP_PORT", Ports.TakeFree()),
        [15672] = ("WORKINIT_MANAGEMENT_PORT", Ports.TakeFree()),
        [1025] = ("WORKINIT_SMTP_PORT", Ports.TakeFree()),
        [1080] = ("WORKINIT_MAIL_PORT", Ports.TakeFree()),
        [8090] = ("WORKINIT_SAMPLE_PORT", Ports.TakeFree()),
    };

    /// <summary>Returns the command of a reader, in the copy. Without a Docker engine, so that ./run behaves as on a machine without Docker; ./test compose covers the other case.</summary>
    /// <param name="log">The file for the output.</param>
    /// <param name="arguments">The program and its arguments.</param>
    public Command Command(string log, params string[] arguments) => new("env", ["--default-signal=INT,QUIT", .. arguments])
    {
        Folder = folder,
        Log = log,
        Variables = new Dictionary<string, string?>(_ports.Values.Select(port => KeyValuePair.Create(port.Variable, (string?)$"{port.Port}")))
        {
            ["DOCKER_HOST"] = "unix:///nowhere",
            ["UseSharedCompilation"] = "false",
        },
    };

    /// <summary>Replaces the default ports in the text of a document.</summary>
    public string WithPorts(string text) =>
        _ports.Aggregate(text, (replaced, port) => Regex.Replace(replaced, $@"localhost:{port.Key}\b", $"localhost:{port.Value.Port}"));

    /// <summary>
    /// Copies what a clone would contain, and uncommitted changes. What ./test has already built and installed is not built again: the copy keeps the
    /// file times, so it is recognized as up to date.
    /// </summary>
    public async Task CreateAsync(TestRun run)
    {
        await MailCatcher.InstallAsync(run.Cancellation);
        var files = await new Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard") { Folder = Repository.Root }.CaptureAsync();
        if (!files.Succeeded)
            throw new ToolException($"git can't list the files to copy: {files.Errors.TrimEnd()}");
        foreach (var file in files.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(Path.Combine(Repository.Root, file))))
        {
            var target = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(Repository.Root, file), target); // keeps the time and the mode
        }
        var bin = Path.Combine(run.State, "bin-of-run");
        await new Publisher(bin, beforehand: true).EnsureAsync(Publisher.All, run.LogOf("publish-of-run"), run.Cancellation);
        Directory.CreateDirectory(Path.Combine(folder, ".run"));
        Directory.CreateDirectory(Path.Combine(folder, "artifacts"));
        await CopyAsync("-a", bin, Path.Combine(folder, ".run", "bin"));
        await CopyAsync("-a", Path.Combine(Repository.Artifacts, "tool"), Path.Combine(folder, "artifacts"));
        await CopyAsync("-al", Path.Combine(Repository.Dev, "mail", "node_modules"), Path.Combine(folder, "dev", "mail"));
    }

    /// <summary>Stops what a killed ./run left behind.</summary>
    public async Task EndLeftoversAsync()
    {
        var run = Path.Combine(folder, ".run");
        if (!Directory.Exists(run))
            return;
        await new LocalRun(run, new RunPorts()).EndLeftoversAsync();
        await new Broker(Path.Combine(run, "broker")).RemoveAsync();
    }

    /// <summary>Deletes the copy.</summary>
    public void Delete()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private static async Task CopyAsync(string options, string from, string to)
    {
        var result = await new Command("cp", options, from, to).CaptureAsync();
        if (!result.Succeeded)
            throw new ToolException($"{from} could not be copied: {result.Errors}");
    }
}
