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
            $"PostgreSQL (store and ledger), sudden death and restart × {Scale.Times(3)}", table,
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

    private static Task<TimeSpan[]> SeeReadyAsync(FaultRun run, bool ready) => Task.WhenAll(
        run.Web.SeeReadyAsync(ready, TimeSpan.FromSeconds(15)), run.Consumers.SeeReadyAsync(ready, TimeSpan.FromSeconds(15)));

    /// <summary>A tmpfs of a few megabytes that a test can fill.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("workinit-disk-").FullName;

        public static async Task<SmallDisk> MountAsync()
        {
            var disk = new SmallDisk();
            await RunAsync("mount", "-t", "tmpfs", "-o", Scale.IsLong ? "size=64m" : "size=8m", "tmpfs", disk.Folder);
            return disk;
        }

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
        }

        private static async Task RunAsync(string program, params string[] arguments)
        {
            using var process = Process.Start(program, arguments);
            await process.WaitForExitAsync();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{program} ended with {process.ExitCode}: this test mounts a tmpfs and must run as root");
        }
    }
}
