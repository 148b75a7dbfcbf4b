using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>What a mail server can do, beyond the usual refusals: what is known afterwards, and whether the connection is used again.</summary>
public sealed class OddMailServers
{
    private static CancellationToken Ends => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_greeting_that_refuses_defers_and_its_words_are_told()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.RefuseConnection(554, "5.3.2 closed for jane.doe@people.example"));
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("554 5.3.2");
        deferred.ToString().ShouldNotContain("jane");
        await mail.SendAsync();
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task A_connection_that_is_closed_without_a_greeting_defers()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.CloseAtConnect);
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain($"127.0.0.1:{mail.Server.Port}");
        await mail.SendAsync();
    }

    public static TheoryData<SmtpStage> BeforeTheMail => [SmtpStage.Greeting, SmtpStage.Mail, SmtpStage.Rcpt, SmtpStage.Data];

    [Theory]
    [MemberData(nameof(BeforeTheMail))]
    public async Task No_answer_before_the_mail_defers_and_a_late_one_is_never_taken_for_the_next_mails(SmtpStage stage)
    {
        await using var mail = new MailService(change: options => options.SendTimeout = TimeSpan.FromSeconds(1));
        mail.Server.Next(SmtpBehaviour.Stall(stage));
        await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        mail.Options.SendTimeout = TimeSpan.FromSeconds(25);
        mail.Server.Release();
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(1);
        mail.Server.TakenWithoutReply.ShouldBeEmpty();
        mail.Server.ConnectionsOpened.ShouldBe(2);
        mail.Server.ProtocolErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task No_answer_to_the_whole_mail_is_unknown_and_a_late_one_is_never_taken_for_the_next_mails()
    {
        await using var mail = new MailService(change: options => options.SendTimeout = TimeSpan.FromSeconds(3));
        mail.Server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot), SmtpBehaviour.Reply(SmtpStage.AfterDot, 550, "5.7.1 not this one"));
        await Should.ThrowAsync<MailOutcomeUnknownException>(mail.SendAsync());
        mail.Options.SendTimeout = TimeSpan.FromSeconds(25);
        await Should.ThrowAsync<MailRefusedException>(mail.SendAsync());
        mail.Server.TakenWithoutReply.Count.ShouldBe(1);
        mail.Server.MailCount.ShouldBe(0);
    }

    [Fact]
    public async Task A_server_that_hangs_up_after_its_yes_has_taken_the_mail()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.CutAfterReply);
        await mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.ConnectionsOpen == 0, Ends);
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    public static TheoryData<SmtpStage> AllStages => [SmtpStage.Mail, SmtpStage.Rcpt, SmtpStage.Data, SmtpStage.AfterDot];

    [Theory]
    [MemberData(nameof(AllStages))]
    public async Task A_server_that_goes_down_says_421_and_is_not_asked_again_on_that_connection(SmtpStage stage)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(stage, 421, "4.3.2 going down"));
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain("421 4.3.2 going down");
        await mail.SendAsync();
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Replies_that_come_byte_by_byte_or_in_many_lines_are_read_whole()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.ByteDribble, SmtpBehaviour.Reply(SmtpStage.AfterDot, 550, "5.7.1 first line\n5.7.1 second line"));
        await mail.SendAsync();
        var refused = await Should.ThrowAsync<MailRefusedException>(mail.SendAsync());
        refused.Message.ShouldContain("first line");
        refused.Message.ShouldContain("second line");
        refused.Message.ShouldNotContain("\n");
        mail.Server.ConnectionsOpened.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_and_without_pipelining_a_refusal_leaves_the_connection_usable(bool pipelining)
    {
        await using var mail = new MailService(new SmtpServerOptions { Pipelining = pipelining });
        foreach (var stage in AllStages)
        {
            mail.Server.Next(SmtpBehaviour.Reply(stage, 451, "4.3.0 not now"));
            await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
            await mail.SendAsync();
        }
        mail.Server.ConnectionsOpened.ShouldBe(1);
        mail.Server.MailCount.ShouldBe(4);
        mail.Server.ProtocolErrors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_address_that_needs_smtputf8_is_refused_before_the_server_is_asked(bool offered)
    {
        await using var mail = new MailService(new SmtpServerOptions { SmtpUtf8 = offered });
        var refused = await Should.ThrowAsync<MailRefusedException>(mail.SendAsync("jäne@people.example"));
        refused.ToString().ShouldNotContain("jäne");
        mail.Server.ConnectionsOpened.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_international_domain_goes_out_in_ascii_whatever_the_server_offers(bool smtpUtf8)
    {
        await using var mail = new MailService(new SmtpServerOptions { SmtpUtf8 = smtpUtf8 });
        await mail.SendAsync("jane@bücher.example");
        mail.Server.Mails.Single().Recipient.ShouldBe("jane@xn--bcher-kva.example");
    }

    [Fact]
    public async Task A_server_that_wants_a_login_when_there_is_none_defers_and_names_the_setting()
    {
        await using var mail = new MailService(new SmtpServerOptions { Username = "workinit", Password = "right" });
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("Smtp__Username");
    }

    [Fact]
    public async Task A_server_that_knows_no_login_when_there_is_one_defers_and_names_the_setting()
    {
        await using var mail = new MailService(change: options => (options.Username, options.Password) = ("workinit", "right"));
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("Smtp__Username");
        deferred.ToString().ShouldNotContain("right");
    }

    [Fact]
    public async Task A_connection_that_was_idle_for_a_while_is_asked_before_it_gets_a_mail()
    {
        await using var mail = new MailService(change: options => options.IdleTimeout = TimeSpan.FromMinutes(10));
        await mail.SendAsync();
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        await mail.SendAsync();
        mail.Server.ConnectionsOpened.ShouldBe(1);
        mail.Server.CloseConnections();
        await mail.Server.WaitUntilAsync(server => server.ConnectionsOpen == 0, Ends);
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(3);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task A_path_that_died_costs_the_mail_a_moment_and_not_its_deadline()
    {
        await using var mail = new MailService(change: options => options.IdleTimeout = TimeSpan.FromMinutes(10));
        await mail.SendAsync();
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        mail.Server.Next(SmtpBehaviour.Stall(SmtpStage.Noop));
        var sending = mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 1, Ends);
        mail.Time.Advance(TimeSpan.FromSeconds(3));
        await sending;
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task A_pool_that_is_closed_in_the_middle_of_a_send_lets_it_end_well()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot));
        var sending = mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 1, Ends);
        await mail.Pool.DisposeAsync();
        mail.Server.Release();
        (await sending).ShouldNotBeEmpty();
        await mail.Server.WaitUntilAsync(server => server.ConnectionsOpen == 0, Ends);
    }

    [Fact]
    public async Task More_mails_than_connections_wait_for_one_and_all_arrive()
    {
        await using var mail = new MailService(change: options => options.Connections = 2);
        mail.Server.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), 2));
        var sends = Enumerable.Range(0, 10).Select(_ => mail.SendAsync()).ToArray();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 2, Ends);
        mail.Server.MailsOffered.ShouldBe(2);
        mail.Server.Release();
        await Task.WhenAll(sends);
        mail.Server.MailCount.ShouldBe(10);
        mail.Server.MostConnectionsOpen.ShouldBe(2);
        mail.Server.MostSendsAtOnce.ShouldBe(2);
        mail.Server.ProtocolErrors.ShouldBeEmpty();
    }
}
