using WorkinIt.Dev.Processes;

namespace WorkinIt.Tests.Dev;

/// <summary>A process is stopped only if it is exactly the one that was started. The folder has the structure of /proc.</summary>
public sealed class PidFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-proc-").FullName;
    private readonly ProcessTable _processes;
    private readonly PidFile _file;

    public PidFileTests()
    {
        _processes = new ProcessTable(_folder);
        _file = new PidFile(Path.Combine(_folder, "web.pid"), _processes);
        Directory.CreateDirectory(Path.Combine(_folder, "sys/kernel/random"));
        File.WriteAllText(Path.Combine(_folder, "sys/kernel/random/boot_id"), "boot-1\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Remembered_process_is_found_while_it_runs()
    {
        BeginProcess(1234, startTime: 77);
        _file.Remember(1234);
        _file.Running.ShouldBe(1234);
        Directory.Delete(Path.Combine(_folder, "1234"), recursive: true);
        _file.Running.ShouldBeNull();
        _file.Id.ShouldBe(1234);
    }

    [Fact]
    public void Process_that_got_the_id_later_is_not_found()
    {
        BeginProcess(1234, startTime: 77);
        _file.Remember(1234);
        BeginProcess(1234, startTime: 78);
        _file.Running.ShouldBeNull();
    }

    [Fact]
    public void Process_of_another_boot_is_not_found()
    {
        BeginProcess(1234, startTime: 77);
        _file.Remember(1234);
        File.WriteAllText(Path.Combine(_folder, "sys/kernel/random/boot_id"), "boot-2\n");
        _file.Running.ShouldBeNull();
    }

    [Fact]
    public void Zombie_does_not_count_as_running()
    {
        BeginProcess(1234, startTime: 77, state: 'Z');
        _file.Remember(1234);
        _file.Running.ShouldBeNull();
    }

    [Fact]
    public void Zombie_counts_as_running_while_one_of_its_threads_holds_its_ports()
    {
        BeginProcess(1234, startTime: 77, state: 'Z', threads: 2);
        _file.Remember(1234);
        _file.Running.ShouldBe(1234);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("-1234")]
    [InlineData("a word")]
    public void File_without_the_id_of_a_process_names_none(string content)
    {
        File.WriteAllText(Path.Combine(_folder, "web.pid"), content);
        _file.Id.ShouldBeNull(); // a signal to 0, 1 or a negative number would reach other processes
    }

    [Fact]
    public void Forgotten_process_is_not_found()
    {
        BeginProcess(1234, startTime: 77);
        _file.Remember(1234);
        _file.Forget();
        _file.Running.ShouldBeNull();
        Directory.GetFiles(_folder).ShouldBeEmpty();
    }

    [Fact]
    public void Environment_arguments_and_folder_identify_a_process()
    {
        BeginProcess(1234, startTime: 77);
        var work = Directory.CreateDirectory(Path.Combine(_folder, "work")).FullName;
        File.WriteAllText(Path.Combine(_folder, "1234/environ"), "HOME=/x\0RABBITMQ_MNESIA_BASE=/a/data\0");
        File.WriteAllText(Path.Combine(_folder, "1234/cmdline"), "node\0--mail-directory\0/a/mails\0");
        File.CreateSymbolicLink(Path.Combine(_folder, "1234/cwd"), CLibrary.RealPath(work));
        _processes.HasVariable(1234, "RABBITMQ_MNESIA_BASE=/a/data").ShouldBe(true);
        _processes.HasVariable(1234, "RABBITMQ_MNESIA_BASE=/a").ShouldBe(false);
        _processes.HasVariable(1235, "RABBITMQ_MNESIA_BASE=/a/data").ShouldBeNull();
        _processes.HasArgument(1234, "/a/mails").ShouldBeTrue();
        _processes.HasArgument(1234, "/a").ShouldBeFalse();
        _processes.WorksIn(1234, work).ShouldBeTrue();
        _processes.WorksIn(1234, _folder).ShouldBeFalse();
        _processes.WorksIn(1235, work).ShouldBeFalse();
    }

    // A name may contain spaces and parentheses.
    private void BeginProcess(int id, int startTime, char state = 'S', int threads = 1)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{id}")).FullName;
        File.WriteAllText(Path.Combine(folder, "stat"), $"{id} (a (strange) name) {state} {string.Join(' ', Enumerable.Range(4, 18).Select(field => field == 20 ? threads : field))} {startTime} 0 0\n");
    }
}
