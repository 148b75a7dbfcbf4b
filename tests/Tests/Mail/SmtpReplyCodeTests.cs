using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>
/// The replies that a server may give at each step of the dialogue (RFC 5321, 4.2 and 4.3.2). The first digit decides. After the final dot, a
/// reply that neither accepts nor refuses the mail leaves its outcome unknown.
/// </summary>
public sealed class SmtpReplyCodeTests
{
    [Theory]
    [InlineData(200)]
    [InlineData(221)]
    [InlineData(250)]
    [InlineData(251)]
    [InlineData(252)]
    [InlineData(299)]
    public async Task Any_2xx_reply_to_the_mail_data_means_sent(int code)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(SmtpStage.AfterDot, code, "2.0.0 taken for {recipient}"));
        var reply = await mail.SendAsync();
        reply.ShouldContain("2.0.0 taken");
        reply.ShouldNotContain(MailService.Recipient);
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(1);
        mail.Server.ProtocolErrors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(354)]
    [InlineData(600)]
    [InlineData(999)]
    public async Task Unclear_reply_to_the_mail_data_is_an_unknown_outcome_and_closes_the_connection(int code)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(SmtpStage.AfterDot, code, "what now, {recipient}"));
        var unknown = await Should.ThrowAsync<MailOutcomeUnknownException>(mail.SendAsync());
        unknown.ToString().ShouldNotContain(MailService.Recipient);
        mail.Server.TakenWithoutReply.Count.ShouldBe(1);
        await mail.SendAsync();
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    public static TheoryData<SmtpStage, int, bool> PositiveReplies()
    {
        var all = new TheoryData<SmtpStage, int, bool>();
        foreach (var stage in new[] { SmtpStage.Mail, SmtpStage.Rcpt })
        {
            foreach (var code in new[] { 200, 251, 252, 260, 299 })
            {
                all.Add(stage, code, true);
                all.Add(stage, code, false);
            }
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(PositiveReplies))]
    public async Task Any_2xx_reply_to_the_sender_or_the_recipient_continues_the_send(SmtpStage stage, int code, bool pipelining)
    {
        await using var mail = new MailService(new SmtpServerOptions { Pipelining = pipelining });
        mail.Server.Next(SmtpBehaviour.Reply(stage, code, "2.1.5 will forward"));
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(1);
    }

    [Theory]
    [InlineData(SmtpStage.Mail, 150)]
    [InlineData(SmtpStage.Mail, 354)]
    [InlineData(SmtpStage.Mail, 650)]
    [InlineData(SmtpStage.Rcpt, 150)]
    [InlineData(SmtpStage.Rcpt, 354)]
    [InlineData(SmtpStage.Rcpt, 650)]
    [InlineData(SmtpStage.Data, 150)]
    [InlineData(SmtpStage.Data, 250)]
    [InlineData(SmtpStage.Data, 650)]
    public async Task Unexpected_reply_before_the_mail_data_means_not_sent_and_closes_the_connection(SmtpStage stage, int code)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(stage, code, "what now"));
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain($"{code} what now");
        mail.Server.MailCount.ShouldBe(0);
        mail.Server.TakenWithoutReply.ShouldBeEmpty();
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(1);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Reply_355_to_DATA_sends_no_mail_and_a_late_reply_is_not_taken_for_the_next_mail()
    {
        await using var mail = new MailService(change: options => options.SendTimeout = TimeSpan.FromSeconds(1));
        mail.Server.Next(SmtpBehaviour.Reply(SmtpStage.Data, 355, "go on"));
        await Should.ThrowAsync<MailDeferredException>(mail.SendAsync()); // MailKit sends RSET, which the server reads as the mail's first line
        mail.Options.SendTimeout = TimeSpan.FromSeconds(25);
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(1);
        mail.Server.ConnectionsOpened.ShouldBe(2);
    }

    public static TheoryData<SmtpStage> Stages => [SmtpStage.Greeting, SmtpStage.Ehlo, SmtpStage.Mail, SmtpStage.Rcpt, SmtpStage.Data, SmtpStage.AfterDot];

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task Reply_4xx_at_any_step_means_try_later_and_a_broken_connection_does_not(SmtpStage stage)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(stage, stage == SmtpStage.Ehlo ? 421 : 450, "4.3.2 not now"));
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.SaidLater.ShouldBeTrue();
        deferred.Message.ShouldContain(stage == SmtpStage.Ehlo ? "421" : "450 4.3.2 not now");
        mail.Server.Next(SmtpBehaviour.CloseAtConnect, SmtpBehaviour.CutBeforeData);
        while (await FailureAsync(mail) is { } broken)
            broken.SaidLater.ShouldBeFalse();
        mail.Server.MailCount.ShouldBe(1);
    }

    private static async Task<MailDeferredException?> FailureAsync(MailService mail)
    {
        try
        {
            await mail.SendAsync();
            return null;
        }
        catch (MailDeferredException e)
        {
            return e;
        }
    }

    [Fact]
    public async Task Temporarily_refused_login_is_not_reported_as_a_wrong_password()
    {
        await using var mail = new MailService(
            new SmtpServerOptions { Username = "workinit", Password = "right" }, options => (options.Username, options.Password) = ("workinit", "right"));
        mail.Server.Next(SmtpBehaviour.Reply(SmtpStage.Login, 454, "4.7.0 temporary failure"));
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("does not accept logins now: 454 4.7.0");
        deferred.Message.ShouldNotContain("Smtp__Password");
        deferred.SaidLater.ShouldBeTrue();
    }

    [Theory]
    [InlineData(552, "too large")]
    [InlineData(550, "The sender was refused")]
    public async Task Mail_that_is_too_large_is_not_reported_as_a_refused_sender(int code, string words)
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(SmtpStage.Mail, code, "5.3.4 no"));
        (await Should.ThrowAsync<MailRefusedException>(mail.SendAsync())).Message.ShouldContain(words);
    }

    [Fact]
    public async Task Full_disk_of_the_mail_server_is_not_reported_as_a_refused_sender()
    {
        await using var mail = new MailService();
        mail.Server.Next(SmtpBehaviour.Reply(SmtpStage.Mail, 452, "4.3.1 insufficient system storage"));
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldStartWith("The mail server does not accept mail now: 452 4.3.1");
    }
}
