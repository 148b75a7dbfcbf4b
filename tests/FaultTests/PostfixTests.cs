using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>A real mail server with realistic limits. Its log shows which mails it accepted; it relays them all to the test mail server.</summary>
[Trait(Scale.Form, Scale.LongOnly)]
public sealed class PostfixTests(ReliabilityTable table)
{
    private const int Mails = 300;

    [Fact]
    public async Task All_mails_are_sent_once_through_Postfix_with_a_limit_of_four_connections()
    {
        await using var postfix = new PostfixServer("smtpd_client_connection_count_limit = 4");
        await using var run = await StartAsync(postfix, "Postfix with a connection limit of 4");
        await run.LoadAsync(Mails);
        (await run.SettleAsync()).ShouldBeAllMailedOnce();
        postfix.Log.ShouldContain("Connection concurrency limit exceeded: 5"); // proves that the limit was reached
    }

    [Fact]
    public async Task All_mails_are_sent_once_through_Postfix_with_greylisting()
    {
        await using var greylist = new Greylist(TimeSpan.FromSeconds(3));
        await using var postfix = new PostfixServer($"smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{greylist.Port}, permit_mynetworks, reject");
        await using var run = await StartAsync(postfix, "Postfix with greylisting");
        await run.LoadAsync(Mails);
        (await run.SettleAsync()).ShouldBeAllMailedOnce();
        greylist.Recipients.ShouldBe(Mails);
        TestContext.Current.TestOutputHelper?.WriteLine($"{greylist.Deferred} replies of 450");
        greylist.Deferred.ShouldBeLessThanOrEqualTo(3 * Mails); // once, and once or twice more where a redelivery delay was shorter than the greylisting delay
    }

    [Fact]
    public async Task No_mail_is_lost_when_Postfix_is_stopped_and_started_under_load()
    {
        await using var postfix = new PostfixServer();
        await using var run = await StartAsync(postfix, "Postfix, stop and start in the middle");
        var load = run.LoadAsync(Mails, pause: TimeSpan.FromMilliseconds(30));
        await run.System.SeeMailsAsync(Mails / 3);
        await postfix.StopAsync();
        await Task.Delay(TimeSpan.FromSeconds(5)); // duration of the fault
        await postfix.StartAsync();
        await load;

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.DeadLettered.ShouldBe(0);
        tally.Held.ShouldBeLessThanOrEqualTo(16); // at most this many mails were in flight when Postfix stopped
    }

    private async Task<FaultRun> StartAsync(PostfixServer postfix, string fault)
    {
        // The services need Postfix's port before they start; Postfix needs the port of the test mail server, which exists only after that.
        var run = await FaultRun.StartAsync(fault, table, ("Smtp__Port", $"{postfix.Port}"));
        run.HandedOver = () => postfix.Taken;
        await postfix.StartAsync(run.System.Mail.Port);
        return run;
    }
}
