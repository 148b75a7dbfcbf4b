using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Testbed;

/// <summary>The fault tests rely on the counts of this server. If it miscounts, they don't notice a mail that is sent twice.</summary>
public sealed class TestSmtpServerTests : IAsyncDisposable
{
    private readonly SmtpServer _server = new();

    private static CancellationToken TestCancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mail_taken_without_a_reply_is_counted_separately_and_as_a_delivery()
    {
        _server.Next(SmtpBehaviour.CutAfterDot);
        await Should.ThrowAsync<SmtpProtocolException>(SendAsync("one"));
        await SendAsync("one");
        await SendAsync("two");
        _server.TakenWithoutReply.ShouldHaveSingleItem().MessageId.ShouldBe("one@test");
        _server.MailsById.ShouldBe(new Dictionary<string, int> { ["one@test"] = 1, ["two@test"] = 1 }, ignoreOrder: true);
        _server.DeliveriesById.ShouldBe(new Dictionary<string, int> { ["one@test"] = 2, ["two@test"] = 1 }, ignoreOrder: true);
    }

    [Fact]
    public async Task Mail_answered_late_moves_to_the_accepted_mails()
    {
        _server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot));
        var sending = SendAsync("late");
        await _server.WaitUntilAsync(server => server.StalledNow == 1, TestCancellation);
        _server.TakenWithoutReply.Count.ShouldBe(1);
        _server.MailCount.ShouldBe(0);
        _server.Release();
        await sending;
        _server.TakenWithoutReply.ShouldBeEmpty();
        _server.MailCount.ShouldBe(1);
    }

    [Fact]
    public async Task Restarted_test_SMTP_server_keeps_its_mails_and_accepts_more_on_the_same_port()
    {
        _server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot));
        var sending = SendAsync("before");
        await _server.WaitUntilAsync(server => server.StalledNow == 1, TestCancellation);
        await _server.StopAsync();
        await Should.ThrowAsync<Exception>(sending);
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(SendAsync("nobody listens"));
        _server.ConnectionsOpen.ShouldBe(0);

        _server.Start();
        await SendAsync("after");
        _server.TakenWithoutReply.ShouldHaveSingleItem().MessageId.ShouldBe("before@test");
        _server.MailsById.Keys.ShouldBe(["after@test"]);
    }

    [Fact]
    public async Task Refused_or_interrupted_mail_is_not_counted()
    {
        _server.Next(SmtpBehaviour.Reply(SmtpStage.AfterDot, 452, "full"), SmtpBehaviour.CutBeforeData, SmtpBehaviour.CutInBody(10));
        for (var i = 0; i < 3; i++)
            await Should.ThrowAsync<Exception>(SendAsync("unlucky"));
        await SendAsync("lucky");
        _server.DeliveriesById.Keys.ShouldBe(["lucky@test"]);
        _server.MailsOffered.ShouldBe(4);
        _server.MailsRefused.ShouldBe(1);
    }

    [Fact]
    public async Task Behaviour_callback_is_called_until_it_returns_a_behaviour()
    {
        var transactions = new List<SmtpTransaction>();
        _server.OnMail = mail =>
        {
            transactions.Add(mail);
            return mail.Recipient is null ? null : SmtpBehaviour.Reply(SmtpStage.AfterDot, 550, "never {recipient}");
        };
        (await Should.ThrowAsync<SmtpCommandException>(SendAsync("asked"))).Message.ShouldBe("never to@test.example");
        transactions.Select(mail => mail.Stage).ShouldBe([SmtpStage.Mail, SmtpStage.Rcpt]);
        transactions[^1].ShouldBe(new SmtpTransaction(1, 1, SmtpStage.Rcpt, "from@test.example", "to@test.example"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task SendAsync(string id)
    {
        using var client = new SmtpClient();
        await client.ConnectAsync("127.0.0.1", _server.Port, SecureSocketOptions.None, TestCancellation);
        using var mail = new MimeMessage { MessageId = $"{id}@test", Body = new TextPart("plain") { Text = "hello" } };
        mail.From.Add(MailboxAddress.Parse("from@test.example"));
        mail.To.Add(MailboxAddress.Parse("to@test.example"));
        await client.SendAsync(mail, TestCancellation);
    }
}
