using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>A mail server that takes fewer connections than <c>Smtp__Connections</c> is not down.</summary>
public sealed class SmtpConnectionLimitTests
{
    private static CancellationToken TestCancellation => TestContext.Current.CancellationToken;

    private static MailService Service(int? limit) =>
        new(new SmtpServerOptions { MaxConnections = limit }, options => options.Connections = 16);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(15)]
    public async Task Connection_limit_of_the_mail_server_is_learned_and_no_mail_is_deferred(int limit)
    {
        await using var mail = Service(limit);
        mail.Server.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(2));
        await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => mail.SendAsync()));
        mail.Server.MailCount.ShouldBe(300);
        mail.Server.ConnectionsTurnedAway.ShouldBeInRange(1, 16);
        mail.Server.ProtocolErrors.ShouldBeEmpty();
    }

    public static TheoryData<SmtpStage, int> TemporaryRefusals()
    {
        var all = new TheoryData<SmtpStage, int>();
        foreach (var code in new[] { 421, 450, 451, 452, 454 })
        {
            all.Add(SmtpStage.Greeting, code);
            all.Add(SmtpStage.Ehlo, code);
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(TemporaryRefusals))]
    public async Task Connection_limit_is_learned_from_any_4xx_reply_to_the_connection_or_to_EHLO(SmtpStage stage, int code)
    {
        await using var mail = Service(null);
        mail.Server.OnConnect = connection => connection.Connection > 2 ? SmtpBehaviour.Reply(stage, code, "4.7.0 too many connections") : null;
        mail.Server.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(2));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => mail.SendAsync()));
        mail.Server.MailCount.ShouldBe(40);
        mail.Server.ConnectionsOpened.ShouldBeInRange(3, 16);
        mail.Server.MailsByConnection.Keys.ShouldBe([1, 2], ignoreOrder: true);
    }

    [Theory]
    [InlineData(421)]
    [InlineData(450)]
    [InlineData(451)]
    [InlineData(452)]
    [InlineData(454)]
    public async Task Mail_refused_for_now_on_a_further_connection_is_due_later_and_is_no_outage(int code)
    {
        await using var mail = Service(null);
        var refusals = 0;
        mail.Server.OnMail = transaction => transaction.Connection > 2 && Interlocked.Increment(ref refusals) > 0
            ? SmtpBehaviour.Reply(SmtpStage.Mail, code, "4.7.0 too many connections")
            : SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(2));
        var failures = (await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => FailureAsync(mail)))).OfType<MailDeferredException>().ToList();
        failures.Count.ShouldBeInRange(9, 39); // more than the circuit breaker would tolerate if it counted them
        failures.ShouldAllBe(failure => failure.SaidLater && !failure.ServerIsDown && !failure.NotAsked);
        failures.Count.ShouldBe(refusals);
        mail.Server.MailCount.ShouldBe(40 - failures.Count);
    }

    [Fact]
    public async Task Learned_connection_limit_grows_again_only_after_a_while()
    {
        await using var mail = Service(2);
        mail.Server.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(2));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => mail.SendAsync()));

        mail.Server.MaxConnections = null;
        var opened = mail.Server.ConnectionsOpened;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => mail.SendAsync()));
        mail.Server.ConnectionsOpened.ShouldBe(opened);

        mail.Time.Advance(TimeSpan.FromSeconds(16));
        for (var i = 0; i < 14; i++) // each mail that ends raises the limit by one
            await mail.SendAsync();
        mail.Server.OnMail = null;
        mail.Server.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), 16));
        var sends = Enumerable.Range(0, 16).Select(_ => mail.SendAsync()).ToArray();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 16, TestCancellation);
        mail.Server.Release();
        await Task.WhenAll(sends);
        mail.Server.MailCount.ShouldBe(40 + 40 + 14 + 16);
    }

    [Fact]
    public async Task Retrying_a_connection_limit_that_still_holds_costs_a_connection_and_no_mail()
    {
        await using var mail = Service(2);
        mail.Server.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(2));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => mail.SendAsync()));
        var turnedAway = mail.Server.ConnectionsTurnedAway;
        mail.Time.Advance(TimeSpan.FromSeconds(16));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => mail.SendAsync()));
        mail.Server.MailCount.ShouldBe(80);
        (mail.Server.ConnectionsTurnedAway - turnedAway).ShouldBeInRange(1, 14);
    }

    [Fact]
    public async Task Mail_server_that_accepts_no_connection_counts_as_down()
    {
        await using var mail = Service(0);
        for (var i = 0; i < 8; i++)
            (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain("421");
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).NotAsked.ShouldBeTrue();

        mail.Server.MaxConnections = null;
        mail.Time.Advance(TimeSpan.FromSeconds(11));
        await mail.SendAsync();
    }

    [Fact]
    public async Task Mail_server_that_accepts_no_connection_fails_many_mails_at_once_without_waiting()
    {
        await using var mail = Service(0);
        var failures = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Should.ThrowAsync<MailDeferredException>(mail.SendAsync())));
        failures.Length.ShouldBe(40);
        mail.Server.MaxConnections = null;
        mail.Time.Advance(TimeSpan.FromSeconds(16));
        await mail.SendAsync(); // the probe that the circuit breaker allows
        await Task.WhenAll(Enumerable.Range(1, 39).Select(_ => mail.SendAsync()));
        mail.Server.MailCount.ShouldBe(40);
    }

    [Fact]
    public async Task Mail_that_got_no_free_connection_is_deferred_as_not_tried()
    {
        await using var mail = new MailService(change: options => (options.Connections, options.SendTimeout) = (1, TimeSpan.FromSeconds(25)));
        mail.Server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot));
        var first = mail.SendAsync();
        await mail.Server.WaitUntilAsync(server => server.StalledNow == 1, TestCancellation);
        mail.Options.SendTimeout = TimeSpan.FromSeconds(1);
        var second = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        second.NotAsked.ShouldBeTrue();
        second.Message.ShouldContain("busy");
        mail.Server.Release();
        await first;
        mail.Server.MailCount.ShouldBe(1);
    }

    private static async Task<Exception?> FailureAsync(MailService mail)
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
}
