using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>Unusual behaviour of a mail server, beyond refusals: the outcome of the mail, and whether its connection is reused.</summary>
public sealed class UnusualMailServerTests
{
    private static CancellationToken TestCancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SMTP_greeting_that_refuses_defers_the_mail_and_is_quoted()
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
    public async Task SMTP_connection_closed_without_a_greeting_defers_the_mail()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.CloseAtConnect);
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain($"127.0.0.1:{mail.Server.Port}");
        await mail.SendAsync();
    }

    public static TheoryData<SmtpStage> BeforeTheMail => [SmtpStage.Greeting, SmtpStage.Mail, SmtpStage.Rcpt, SmtpStage.Data];

    [Theory]
    [MemberData(nameof(BeforeTheMail))]
    public async Task No_reply_before_the_mail_data_defers_it_and_a_late_reply_is_not_taken_for_the_next_mail(SmtpStage stage)
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
    public async Task No_reply_to_the_mail_data_is_an_unknown_outcome_and_a_late_reply_is_not_taken_for_the_next_mail()
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
    public async Task Mail_is_sent_when_the_server_closes_the_connection_after_accepting_it()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.CutAfterReply);
        await mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.ConnectionsOpen == 0, TestCancellation);
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    public static TheoryData<SmtpStage> AllStages => [SmtpStage.Mail, SmtpStage.Rcpt, SmtpStage.Data, SmtpStage.AfterDot];

    [Theory]
    [MemberData(nameof(AllStages))]
    public async Task SMTP_reply_421_defers_the_mail_and_its_connection_is_not_reused(SmtpStage stage)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(stage, 421, "4.3.2 going down"));
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain("421 4.3.2 going down");
        await mail.SendAsync();
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task SMTP_replies_sent_byte_by_byte_or_in_several_lines_are_read_completely()
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
    public async Task SMTP_connection_stays_usable_after_a_refusal_with_and_without_pipelining(bool pipelining)
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
    public async Task Address_that_needs_SMTPUTF8_is_refused_before_connecting(bool offered)
    {
        await using var mail = new MailService(new SmtpServerOptions { SmtpUtf8 = offered });
        var refused = await Should.ThrowAsync<MailRefusedException>(mail.SendAsync("jäne@people.example"));
        refused.ToString().ShouldNotContain("jäne");
        mail.Server.ConnectionsOpened.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task International_domain_is_sent_in_ASCII_whatever_the_server_offers(bool smtpUtf8)
    {
        await using var mail = new MailService(new SmtpServerOptions { SmtpUtf8 = smtpUtf8 });
        await mail.SendAsync("jane@bücher.example");
        mail.Server.Mails.Single().Recipient.ShouldBe("jane@xn--bcher-kva.example");
    }

    [Fact]
    public async Task Server_that_requires_a_missing_login_defers_the_mail_and_the_error_names_the_setting()
    {
        await using var mail = new MailService(new SmtpServerOptions { Username = "workinit", Password = "right" });
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("Smtp__Username");
    }

    [Fact]
    public async Task Server_without_login_support_defers_the_mail_and_the_error_names_the_setting()
    {
        await using var mail = new MailService(change: options => (options.Username, options.Password) = ("workinit", "right"));
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("Smtp__Username");
        deferred.ToString().ShouldNotContain("right");
    }

    [Fact]
    public async Task Idle_SMTP_connection_is_probed_before_the_next_mail()
    {
        await using var mail = new MailService(change: options => options.IdleTimeout = TimeSpan.FromMinutes(10));
        await mail.SendAsync();
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        await mail.SendAsync();
        mail.Server.ConnectionsOpened.ShouldBe(1);
        mail.Server.CloseConnections();
        await mail.Server.WaitUntilAsync(server => server.ConnectionsOpen == 0, TestCancellation);
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(3);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Dead_idle_SMTP_connection_is_replaced_well_before_the_deadline_of_the_mail()
    {
        await using var mail = new MailService(change: options => options.IdleTimeout = TimeSpan.FromMinutes(10));
        await mail.SendAsync();
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        mail.Server.Next(SmtpBehaviour.Stall(SmtpStage.Noop));
        var sending = mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 1, TestCancellation);
        mail.Time.Advance(TimeSpan.FromSeconds(3));
        await sending;
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Connection_pool_closed_during_a_send_lets_the_send_finish()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot));
        var sending = mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 1, TestCancellation);
        await mail.Pool.DisposeAsync();
        mail.Server.Release();
        (await sending).ShouldNotBeEmpty();
        await mail.Server.WaitUntilAsync(server => server.ConnectionsOpen == 0, TestCancellation);
    }

    [Fact]
    public async Task Mails_beyond_the_number_of_connections_wait_and_all_arrive()
    {
        await using var mail = new MailService(change: options => options.Connections = 2);
        mail.Server.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), 2));
        var sends = Enumerable.Range(0, 10).Select(_ => mail.SendAsync()).ToArray();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 2, TestCancellation);
        mail.Server.MailsOffered.ShouldBe(2);
        mail.Server.Release();
        await Task.WhenAll(sends);
        mail.Server.MailCount.ShouldBe(10);
        mail.Server.MostConnectionsOpen.ShouldBe(2);
        mail.Server.MostSendsAtOnce.ShouldBe(2);
        mail.Server.ProtocolErrors.ShouldBeEmpty();
    }
}
