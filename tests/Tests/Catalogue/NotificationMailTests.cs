using MimeKit;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Notifications by mail.</summary>
public sealed class NotificationMailTests : IAsyncDisposable
{
    private static readonly NotificationReceiver _receiver = new(new Uri("mailto:ops@example.com")) { Format = NotificationFormat.Mail };

    private readonly NotificationDatabase _database = new();
    private readonly SmtpServer _server = new(new SmtpServerOptions { KeepContent = true });

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Cause_that_comes_and_goes_is_one_conversation_of_two_mails()
    {
        await using var host = NewHost();
        await host.LookAsync();
        _database.Set(_database.Cause("1a2b3c4d", 1333, recent: 20, text: "jane@example.com did not answer"));
        await host.LookAsync();
        _database.Set();
        await host.LookForAsync(TimeSpan.FromMinutes(2));

        _server.Mails.Count.ShouldBe(2);
        _server.Mails.ShouldAllBe(mail => mail.Recipient == "ops@example.com" && mail.Sender == "alerts@workinit.example");
        var (first, second) = (Read(_server.Mails[0]), Read(_server.Mails[1]));
        first.Subject.ShouldBe("New cause of dead letters: TimeoutException");
        second.Subject.ShouldBe("Over: TimeoutException");
        first.TextBody!.ShouldSatisfyAllConditions(
            it => it.ShouldContain("Exception: System.TimeoutException"), it => it.ShouldContain("Dead letters: 1,333"), it => it.ShouldContain("Queues: orders_error (1,333)"),
            it => it.ShouldContain("https://ops.example.com/dead-letters/causes/1a2b3c4d"), it => it.ShouldNotContain("jane@example.com"));
        first.Headers["Auto-Submitted"].ShouldBe("auto-generated");
        first.References.ShouldHaveSingleItem().ShouldBe("cause.1a2b3c4d@workinit.example");
        second.References.ShouldBe(first.References);
        second.MessageId.ShouldNotBe(first.MessageId);
    }

    [Fact]
    public async Task Mail_that_the_server_refuses_is_tried_again_with_the_same_id_and_the_state_shows_no_address()
    {
        _server.Next(SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "no mailbox for ops@example.com"), SmtpBehaviour.CutAfterDot);
        await using var host = NewHost();
        await host.LookAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookAsync();
        State(host).LastError.ShouldBe("the mail server answered 550");

        _database.Time.Advance(TimeSpan.FromSeconds(10));
        await host.Sender.SendAsync(default);
        State(host).LastError!.ShouldStartWith("the mail server broke off");
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await host.Sender.SendAsync(default);
        State(host).Waiting.ShouldBe(0);
        _server.Mails.ShouldHaveSingleItem();
        _server.DeliveriesById.Count.ShouldBe(1); // both tries that ended with the dot have one Message-ID
    }

    [Fact]
    public async Task Mail_server_that_is_away_or_silent_or_without_STARTTLS_is_named_as_the_reason()
    {
        await using var host = NewHost();
        await host.LookAsync();
        _database.Set(_database.Cause("a", 1));
        await _server.StopAsync();
        await host.LookAsync();
        State(host).LastError.ShouldBe("no connection to the mail server: ConnectionRefused");

        _server.Start();
        await using var silent = NewHost(timeout: TimeSpan.FromMilliseconds(500));
        _server.Next(SmtpBehaviour.Stall(SmtpStage.Greeting));
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await silent.Sender.SendAsync(default);
        State(host).LastError.ShouldBe("the mail server did not answer within 0.5 s");
        _server.Release();

        await using var secure = NewHost(security: MailSecurity.StartTls);
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await secure.Sender.SendAsync(default);
        State(host).LastError!.ShouldStartWith("the mail server offers no STARTTLS");
    }

    private static MimeMessage Read(ReceivedMail mail) => MimeMessage.Load(new MemoryStream(mail.Content.ToArray()));

    private static ReceiverState State(NotificationHost host) => host.Deliveries.States().Values.Single();

    private NotificationHost NewHost(TimeSpan? timeout = null, MailSecurity security = MailSecurity.None) => new(
        _database,
        new NotificationOptions
        {
            Receivers = [_receiver],
            MailServer = new MailServer("127.0.0.1", "Dead letters <alerts@workinit.example>") { Port = _server.Port, Security = security },
            PublicUrl = new Uri("https://ops.example.com/dead-letters/"),
        },
        timeout);
}
