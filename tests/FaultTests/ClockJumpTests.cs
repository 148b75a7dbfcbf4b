using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class ClockJumpTests(ReliabilityTable table)
{
    [Fact]
    public async Task All_mails_are_sent_once_when_the_clock_jumps_an_hour_forward_and_back_under_load()
    {
        var clock = Path.GetTempFileName();
        await File.WriteAllTextAsync(clock, "+0");
        var library = Directory.GetDirectories("/usr/lib").Select(folder => Path.Combine(folder, "faketime", "libfaketime.so.1")).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("libfaketime is missing: install the package faketime, or run these tests with ./test, which installs it");
        await using var run = await FaultRun.StartAsync(
            "clock of both services jumps an hour forwards and back", table,
            ("LD_PRELOAD", library), ("FAKETIME_TIMESTAMP_FILE", clock), ("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_FORCE_MONOTONIC_FIX", "0")); // only the wall clock jumps, as when an administrator sets it
        run.System.Mail.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(10));
        string[] jumps = ["+3600", "+0", "-3600", "+0"];
        var next = 0;

        await run.BreakAsync(jumps.Length, async () =>
        {
            await File.WriteAllTextAsync(clock + ".new", jumps[next++]);
            File.Move(clock + ".new", clock, overwrite: true); // atomic: a reader never sees a partial file
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
        File.Delete(clock);
    }
}
