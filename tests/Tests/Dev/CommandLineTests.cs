using WorkinIt.Dev;
using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Building;
using WorkinIt.Dev.Clusters;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Mail;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Running;

namespace WorkinIt.Tests.Dev;

/// <summary>Wrong usage ends with the exit code 2 and does nothing.</summary>
public sealed class CommandLineTests
{
    private static readonly Dictionary<string, Func<string[], Task<int>>> _commands = new()
    {
        ["broker"] = BrokerCommand.RunAsync,
        ["catcher"] = CatcherCommand.RunAsync,
        ["cluster"] = ClusterCommand.RunAsync,
        ["publish"] = PublishCommand.RunAsync,
        ["run"] = RunCommand.RunAsync,
    };

    [Theory]
    [InlineData("broker")]
    [InlineData("broker start")]
    [InlineData("broker sart /nowhere/workinit")]
    [InlineData("broker stop /nowhere/workinit more")]
    [InlineData("broker start /nowhere/workinit --docker")]
    [InlineData("catcher start")]
    [InlineData("catcher install more")]
    [InlineData("cluster cut /nowhere/workinit 4")]
    [InlineData("cluster remove")]
    [InlineData("publish")]
    [InlineData("publish /nowhere/workinit after")]
    [InlineData("run --locally")]
    [InlineData("run --local more")]
    public async Task Wrong_usage_ends_with_2(string line)
    {
        var words = line.Split(' ');
        (await _commands[words[0]](words[1..])).ShouldBe(2);
    }

    [Theory]
    [InlineData("broker")]
    [InlineData("catcher")]
    [InlineData("cluster")]
    [InlineData("publish")]
    [InlineData("run")]
    public async Task Help_ends_with_0(string command) => (await _commands[command](["--help"])).ShouldBe(0);

    [Theory]
    [InlineData("0")]
    [InlineData("080")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("http")]
    public void Wrong_port_is_refused_with_its_variable(string text) =>
        Should.Throw<ToolException>(() => Ports.Parse(text, "WORKINIT_WEB_PORT")).Message.ShouldBe($"WORKINIT_WEB_PORT must be a port number from 1 to 65535, but is {text}.");

    [Fact]
    public void Folder_has_one_path_however_it_is_named()
    {
        var folder = Directory.CreateTempSubdirectory("workinit-folders-").FullName;
        try
        {
            var real = Directory.CreateDirectory(Path.Combine(folder, "real")).FullName;
            File.CreateSymbolicLink(Path.Combine(folder, "link"), real);
            Folders.Canonical(Path.Combine(folder, "link", "not", "yet") + "/").ShouldBe(Folders.Canonical(Path.Combine(real, "not", "..", "not", "yet")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Lock_is_held_by_one_and_free_afterwards()
    {
        var folder = Directory.CreateTempSubdirectory("workinit-lock-").FullName;
        try
        {
            var path = Path.Combine(folder, "lock");
            using (FileLock.TryTake(path).ShouldNotBeNull())
                FileLock.TryTake(path).ShouldBeNull();
            using var again = FileLock.TryTake(path).ShouldNotBeNull();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
