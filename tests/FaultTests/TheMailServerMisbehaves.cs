using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class TheMailServerMisbehaves(ReliabilityTable table)
{
    [Fact]
    public async Task Down_for_a_while()
    {
        var outage = TimeSpan.FromSeconds(Scale.IsLong ? 60 : 8);
        await using var run = await FaultRun.StartAsync(
            $"mail server, down for {outage.TotalSeconds:0} s", table, ("Redelivery__Delays__5", "00:01:04"));

        await run.BreakAsync(1, async () =>
        {
            await run.System.Mail.StopAsync();
            await Task.Delay(outage); // the fault itself
            run.System.Mail.Start();
        });

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.Held.ShouldBeLessThanOrEqualTo(16); // it went down in the middle of that many mails at most
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact]
    public async Task Every_way_of_not_sending_that_may_pass_by_itself()
    {
        SmtpBehaviour[] ways =
        [
            SmtpBehaviour.Reply(SmtpStage.Mail, 451, "4.3.0 not now, <{recipient}>"),
            SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.1 <{recipient}> is busy"),
            SmtpBehaviour.Reply(SmtpStage.Data, 451, "4.3.0 no"),
            SmtpBehaviour.Reply(SmtpStage.AfterDot, 452, "4.3.1 no room for {recipient}"),
            SmtpBehaviour.Reply(SmtpStage.Rcpt, 421, "4.7.0 closing, {recipient}"),
            SmtpBehaviour.CutBeforeData,
            SmtpBehaviour.CutInBody(2_000),
            SmtpBehaviour.Stall(SmtpStage.Rcpt),
            SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(100)),
            SmtpBehaviour.ByteDribble,
        ];
        await using var run = await FaultRun.StartAsync("mail server: 4xx at each stage, 421, cut before DATA and in the body, stall, slow", table);
        var cutInBody = 0;
        run.System.Mail.OnMail = mail =>
        {
            var way = mail.Number % 10 == 0 ? ways[mail.Number / 10 % ways.Length] : SmtpBehaviour.Accept;
            if (way == ways[6])
                Interlocked.Increment(ref cutInBody);
            return way;
        };

        await run.LoadAsync();

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        // A cut in the body that comes when all of the mail stands in the sockets' buffers looks like one after it: in doubt, held.
        tally.Held.ShouldBeLessThanOrEqualTo(cutInBody);
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact]
    public async Task Refuses_connections_now_and_then()
    {
        await using var run = await FaultRun.StartAsync("mail server: refuses every second connection", table);
        run.System.Mail.OnConnect = connection => connection.Connection % 2 == 0 ? SmtpBehaviour.RefuseConnection(421, "4.3.2 too busy") : null;
        run.System.Mail.OnMail = mail => mail.Number % 5 == 0 ? SmtpBehaviour.CutAfterReply : SmtpBehaviour.Accept; // so that new ones are needed

        await run.LoadAsync();

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task Takes_the_whole_mail_and_never_answers()
    {
        await using var run = await FaultRun.StartAsync("mail server: cut or silent after the dot, 2 % of the mails", table);
        var unanswered = 0;
        run.System.Mail.OnMail = mail =>
        {
            if (mail.Number % 50 != 0)
                return SmtpBehaviour.Accept;
            Interlocked.Increment(ref unanswered);
            return mail.Number % 100 == 0 ? SmtpBehaviour.CutAfterDot : SmtpBehaviour.Stall(SmtpStage.AfterDot);
        };

        await run.LoadAsync();

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.Held.ShouldBe(unanswered);
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact]
    public async Task Refuses_some_recipients_for_good()
    {
        await using var run = await FaultRun.StartAsync("mail server: 5xx for 5 % of the recipients", table);
        run.System.Mail.OnMail = mail => mail.Recipient is { } recipient && Number(recipient) % 20 == 0
            ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 <{recipient}> unknown")
            : null;

        await run.LoadAsync();

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.DeadLettered.ShouldBe(Scale.Submissions / 20);
        tally.Held.ShouldBe(0);
    }

    private static int Number(string address) => int.Parse(string.Concat(address.Where(char.IsAsciiDigit)), System.Globalization.CultureInfo.InvariantCulture);
}
