using System.Globalization;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>The mail server has taken them, and the broker takes no event of it: no dead letter may come of that.</summary>
[Trait(Scale.Form, Scale.LongOnly)]
public sealed class MailsThatAreOut(ReliabilityTable table)
{
    private const int AtOnce = 16; // Consumer__ConcurrentMessageLimit

    [Theory]
    [InlineData(15)] // longer than an event waits for its confirm, shorter than two heartbeats
    [InlineData(40)] // the connections are given up meanwhile
    public async Task While_the_broker_is_frozen(int seconds)
    {
        await using var run = await FaultRun.StartAsync(
            $"broker, frozen for {seconds} s between mails and their events", table, ("Smtp__SendTimeout", "00:00:25")); // to the mail server's answer
        await run.LoadAsync(200 - AtOnce);
        await run.System.SeeMailsAsync(200 - AtOnce);
        run.System.Mail.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), AtOnce));
        await run.LoadAsync(AtOnce);
        await Eventually.SeeAsync(() => run.System.Mail.StalledNow == AtOnce, $"{AtOnce} mails wait for their answer");

        await SignalAsync(run.System.Broker, "-STOP", "pause");
        try
        {
            run.System.Mail.Release();
            await run.System.SeeMailsAsync(200);
            await Task.Delay(TimeSpan.FromSeconds(seconds)); // the fault itself
        }
        finally
        {
            await SignalAsync(run.System.Broker, "-CONT", "unpause");
        }

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    private static Task SignalAsync(TestBroker broker, string signal, string verb) => Environment.GetEnvironmentVariable("WORKINIT_TEST_IMAGE") is { Length: > 0 }
        ? SystemCommand.RunAsync("docker", verb, File.ReadAllText(Path.Combine(TestBroker.Required("WORKINIT_TEST_BROKER_DIR"), "name")).Trim())
        : SystemCommand.RunAsync("kill", signal, broker.ProcessId.ToString(CultureInfo.InvariantCulture));
}
