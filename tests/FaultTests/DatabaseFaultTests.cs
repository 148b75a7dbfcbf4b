using System.Diagnostics;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class DatabaseFaultTests(ReliabilityTable table)
{
    [Fact]
    public async Task All_mails_are_sent_once_when_PostgreSQL_is_killed_and_restarted_under_load()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await using var run = await FaultRun.StartAsync(
            $"PostgreSQL (store and ledger), killed and restarted × {Scale.Times(3)}", table,
            ("ConnectionStrings__Submissions", postgres.ConnectionString), ("ConnectionStrings__Deliveries", postgres.ConnectionString));

        await run.BreakAsync(Scale.Times(3), async () =>
        {
            await postgres.StopAsync();
            var fault = Task.Delay(TimeSpan.FromSeconds(2));
            // The documented limits are 5 s and 15 s; under load this machine may need more.
            var notReady = await Task.WhenAll(run.Web.SeeReadyAsync(false, TimeSpan.FromSeconds(15)), run.Consumers.SeeReadyAsync(false, TimeSpan.FromSeconds(15)));
            await fault;
            await postgres.StartAsync();
            var readyAgain = await Task.WhenAll(run.Web.SeeReadyAsync(true, TimeSpan.FromSeconds(45)), run.Consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(45)));
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"Web, Consumers: not ready {string.Join(" s, ", notReady.Select(time => $"{time.TotalSeconds:0.0}"))} s after the database's death, ready again {string.Join(" s, ", readyAgain.Select(time => $"{time.TotalSeconds:0.0}"))} s after its return");
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_the_disk_of_the_store_and_the_ledger_is_full_for_a_while()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var run = await FaultRun.StartAsync(
            "SQLite, disk full for a while", table,
            ("ConnectionStrings__Submissions", $"Data Source={disk.Folder}/submissions.db"), ("ConnectionStrings__Deliveries", $"Data Source={disk.Folder}/deliveries.db"));

        await run.BreakAsync(1, async () =>
        {
            await disk.FillAsync();
            var more = run.LoadAsync(200); // enough to use up the free space inside the database files
            await Eventually.SeeAsync(() => run.Web.Log.Contains("The store did not confirm", StringComparison.Ordinal), "Web logs that the store did not confirm");
            await SeeReadyAsync(run, false); // the documented limit is 5 s
            disk.Free();
            await SeeReadyAsync(run, true);
            await more;
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_the_files_of_the_store_and_the_ledger_are_read_only_for_a_while()
    {
        await using var disk = await SmallDisk.MountAsync(ext4: true); // on a tmpfs, an open file stays writable
        await using var run = await FaultRun.StartAsync(
            "SQLite, files read-only for a while", table,
            ("ConnectionStrings__Submissions", $"Data Source={disk.Folder}/submissions.db"), ("ConnectionStrings__Deliveries", $"Data Source={disk.Folder}/deliveries.db"));

        await run.BreakAsync(Scale.Times(3), async () =>
        {
            await disk.SetFilesReadOnlyAsync(true);
            await SeeReadyAsync(run, false); // the documented limit is 5 s
            await disk.SetFilesReadOnlyAsync(false);
            await SeeReadyAsync(run, true);
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Theory]
    [InlineData("disk")]
    [InlineData("files")]
    public async Task Services_that_started_on_read_only_SQLite_files_work_once_the_files_are_writable(string what)
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var system = await WorkinItSystem.CreateAsync();
        system.Settings["ConnectionStrings__Submissions"] = $"Data Source={disk.Folder}/submissions.db";
        system.Settings["ConnectionStrings__Deliveries"] = $"Data Source={disk.Folder}/deliveries.db";
        await system.PrepareAsync();
        Func<bool, Task> setReadOnlyAsync = what == "disk" ? disk.SetReadOnlyAsync : disk.SetFilesReadOnlyAsync;
        await setReadOnlyAsync(true);
        var (web, consumers) = (system.NewWeb(), system.NewConsumers());
        await Task.WhenAll(web.StartAsync("live"), consumers.StartAsync("live"));
        await Task.WhenAll(SeeDatabaseReportedAsync(web), SeeDatabaseReportedAsync(consumers)); // at first, they are not ready because they have just started
        web.IsRunning.ShouldBeTrue();
        consumers.IsRunning.ShouldBeTrue();

        await setReadOnlyAsync(false);

        await SeeReadyAsync(web, consumers, true);
        await WorkinItSystem.SubmitAsync(web, "jane@people.example", "writable again");
        await system.SeeMailsAsync(1);
    }

    private static Task<TimeSpan[]> SeeReadyAsync(FaultRun run, bool ready) => SeeReadyAsync(run.Web, run.Consumers, ready);

    private static async Task<TimeSpan[]> SeeReadyAsync(ServiceProcess web, ServiceProcess consumers, bool ready)
    {
        var times = await Task.WhenAll(web.SeeReadyAsync(ready, TimeSpan.FromSeconds(15)), consumers.SeeReadyAsync(ready, TimeSpan.FromSeconds(15)));
        TestContext.Current.TestOutputHelper?.WriteLine($"Web, Consumers: {(ready ? "" : "not ")}ready after {string.Join(" s, ", times.Select(time => $"{time.TotalSeconds:0.0}"))} s");
        return times;
    }

    // Several times, so that each connection of the pool has met the read-only file.
    private static async Task SeeDatabaseReportedAsync(ServiceProcess service)
    {
        for (var times = 0; times < 5; times++)
        {
            await Eventually.SeeAsync(
                async () =>
                {
                    using var response = await service.Http.GetAsync("/health/ready");
                    return await response.Content.ReadAsStringAsync();
                },
                report => report.Contains("SQLite Error", StringComparison.Ordinal), "/health/ready reports an error of SQLite", TimeSpan.FromSeconds(15));
        }
    }

    /// <summary>A file system of a few megabytes that a test can fill or make read-only.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        private string? _image;

        public string Folder { get; } = Directory.CreateTempSubdirectory("workinit-disk-").FullName;

        /// <summary>Mounts a new file system.</summary>
        /// <param name="ext4">Whether it is an ext4 in a file instead of a tmpfs.</param>
        public static async Task<SmallDisk> MountAsync(bool ext4 = false)
        {
            var disk = new SmallDisk();
            if (!ext4)
            {
                await RunAsync("mount", "-t", "tmpfs", "-o", Scale.IsLong ? "size=64m" : "size=8m", "tmpfs", disk.Folder);
                return disk;
            }
            disk._image = disk.Folder + ".ext4";
            await using (var image = File.Create(disk._image))
                image.SetLength(128 << 20);
            await RunAsync("mkfs.ext4", "-q", disk._image);
            await RunAsync("mount", "-o", "loop", disk._image, disk.Folder);
            return disk;
        }

        /// <summary>Mounts it again, read-only or writable. No file on it may be open for writing.</summary>
        public Task SetReadOnlyAsync(bool readOnly) => RunAsync("mount", "-o", readOnly ? "remount,ro" : "remount,rw", Folder);

        /// <summary>
        /// Makes the databases and their logs immutable, which also stops root; or writable again. On ext4, this also applies to files that are open.
        /// </summary>
        public Task SetFilesReadOnlyAsync(bool readOnly) =>
            RunAsync("chattr", [readOnly ? "+i" : "-i", .. Directory.GetFiles(Folder, "*.db"), .. Directory.GetFiles(Folder, "*.db-wal")]);

        public async Task FillAsync()
        {
            await using var ballast = File.Create(Path.Combine(Folder, "ballast"));
            var block = new byte[4096];
            try
            {
                while (true)
                {
                    await ballast.WriteAsync(block);
                    await ballast.FlushAsync();
                }
            }
            catch (IOException)
            {
                // The disk is full.
            }
        }

        public void Free() => File.Delete(Path.Combine(Folder, "ballast"));

        public async ValueTask DisposeAsync()
        {
            await RunAsync("umount", "-l", Folder);
            Directory.Delete(Folder);
            if (_image is not null)
                File.Delete(_image);
        }

        private static async Task RunAsync(string program, params string[] arguments)
        {
            using var process = Process.Start(program, arguments);
            await process.WaitForExitAsync();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{program} ended with {process.ExitCode}: this test mounts a file system and must run as root");
        }
    }
}
