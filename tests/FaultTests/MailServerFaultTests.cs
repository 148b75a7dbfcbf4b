using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class MailServerFaultTests(ReliabilityTable table)
{
    [Fact]
    public async Task No_mail_is_lost_when_the_mail_server_is_down_for_a_while()
    {
        var outage = TimeSpan.FromSeconds(Scale.IsLong ? 60 : 8);
        await using var run = await FaultRun.StartAsync(
            $"mail server, down for {outage.TotalSeconds:0} s", table, ("Redelivery__Delays__5", "00:01:04"));

        await run.BreakAsync(1, async () =>
        {
            await run.System.Mail.StopAsync();
            await Task.Delay(outage); // duration of the fault
            run.System.Mail.Start();
        });

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.Held.ShouldBeLessThanOrEqualTo(16); // at most this many mails were in flight when the server stopped
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact]
    public async Task No_mail_is_lost_under_every_kind_of_transient_mail_server_failure()
    {
        SmtpBehaviour[] behaviours =
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
            var behaviour = mail.Number % 10 == 0 ? behaviours[mail.Number / 10 % behaviours.Length] : SmtpBehaviour.Accept;
            if (behaviour == behaviours[6])
                Interlocked.Increment(ref cutInBody);
            return behaviour;
        };

        await run.LoadAsync();

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        // If the connection is cut in the body while the socket buffers hold the complete mail, the client can't distinguish this from a cut after
        // the body. The outcome is unknown, so the mail is held.
        tally.Held.ShouldBeLessThanOrEqualTo(cutInBody);
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_the_mail_server_refuses_every_second_connection()
    {
        await using var run = await FaultRun.StartAsync("mail server: refuses every second connection", table);
        run.System.Mail.OnConnect = connection => connection.Connection % 2 == 0 ? SmtpBehaviour.RefuseConnection(421, "4.3.2 too busy") : null;
        run.System.Mail.OnMail = mail => mail.Number % 5 == 0 ? SmtpBehaviour.CutAfterReply : SmtpBehaviour.Accept; // so that new connections are needed

        await run.LoadAsync();

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task Mails_that_the_server_takes_without_a_reply_are_held()
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
    public async Task Mails_to_permanently_refused_recipients_are_dead_lettered()
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

    [Fact]
    public async Task Unusual_2xx_replies_mean_sent_and_unclear_replies_hold_the_mail()
    {
        await using var run = await FaultRun.StartAsync("mail server: 200, 251, 252, 299 instead of 250 after the dot, and 600 to 2 % of the mails", table);
        int[] acceptingCodes = [200, 251, 252, 299];
        var unclear = 0;
        run.System.Mail.OnMail = mail =>
        {
            if (mail.Number % 50 != 0)
                return SmtpBehaviour.Reply(SmtpStage.AfterDot, acceptingCodes[mail.Number % acceptingCodes.Length], "2.0.0 taken");
            Interlocked.Increment(ref unclear);
            return SmtpBehaviour.Reply(SmtpStage.AfterDot, 600, "what now");
        };

        await run.LoadAsync();

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.Held.ShouldBe(unclear);
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact, Trait(Scale.Form, Scale.LongOnly)]
    public async Task Outage_three_times_as_long_as_all_delays_dead_letters_only_mails_that_used_all_attempts()
    {
        const int attempts = 1 + 5; // the first attempt, and one after each delay
        await using var run = await FaultRun.StartAsync("mail server, down for 93 s, three times as long as all delays together", table);
        run.System.Mail.OnConnect = _ => SmtpBehaviour.CloseAtConnect; // equivalent to a server that is down, but counts the connections
        await run.LoadAsync(120);
        await Task.Delay(TimeSpan.FromSeconds(3 * (1 + 2 + 4 + 8 + 16))); // duration of the fault
        var connections = run.System.Mail.ConnectionsOpened;
        run.System.Mail.OnConnect = null;

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.DeadLettered.ShouldBeLessThanOrEqualTo(connections / attempts);
        tally.Held.ShouldBe(0);
    }

    [Fact, Trait(Scale.Form, Scale.LongOnly)]
    public async Task Learned_connection_limit_is_nearly_as_fast_as_a_configured_one()
    {
        const int mails = 300;
        const int limit = 4;
        var configured = await MailsPerSecondAsync($"mail server: takes {limit} connections, and Smtp__Connections is {limit}", limit);
        var learned = await MailsPerSecondAsync($"mail server: takes {limit} connections, and Smtp__Connections is 16", 16);
        TestContext.Current.TestOutputHelper?.WriteLine($"{configured:0.0} mails a second with the setting, {learned:0.0} without");
        learned.ShouldBeGreaterThanOrEqualTo(0.8 * configured);

        async Task<double> MailsPerSecondAsync(string fault, int connections)
        {
            await using var run = await FaultRun.StartAsync(fault, table, ("Smtp__Connections", $"{connections}"));
            run.System.Mail.MaxConnections = limit;
            run.System.Mail.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(25)); // so that the number of connections limits the rate
            await run.LoadAsync(mails);
            (await run.SettleAsync()).ShouldBeAllMailedOnce();
            var times = run.System.Mail.Mails.Select(mail => mail.ReceivedAt).Order().ToArray();
            return (times.Length - 1) / (times[^1] - times[0]).TotalSeconds;
        }
    }

    private static int Number(string address) => int.Parse(string.Concat(address.Where(char.IsAsciiDigit)), System.Globalization.CultureInfo.InvariantCulture);
}
