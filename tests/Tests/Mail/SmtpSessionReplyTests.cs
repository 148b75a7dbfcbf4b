using System.Security.Cryptography.X509Certificates;
using MimeKit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>
/// Each step of the SMTP dialogue with each kind of reply: what becomes of the mail, and that the server never gets it twice. A mail that is due
/// later is sent again, as Consumers do; one that failed or is held is not.
/// </summary>
public sealed class SmtpSessionReplyTests
{
    private const string Sent = "sent";
    private const string Later = "later";
    private const string Failed = "failed";
    private const string Held = "held";
    private const int NoCode = 0; // the line "0 …" has no reply code

    public static TheoryData<SmtpStage, int, string> Replies()
    {
        var all = new TheoryData<SmtpStage, int, string>();
        // MailKit continues only after the usual code there: 220, 250, 220 and 235.
        foreach (var (stage, usual) in new[] { (SmtpStage.Greeting, 220), (SmtpStage.Ehlo, 250), (SmtpStage.StartTls, 220), (SmtpStage.Login, 235) })
        {
            all.Add(stage, usual, Sent);
            foreach (var code in new[] { 200, 251, 299, 354, 421, 450, 454, 500, 530, 554, 600, NoCode })
                all.Add(stage, code, Later); // a refused connection says nothing about the mail
        }
        foreach (var stage in new[] { SmtpStage.Mail, SmtpStage.Rcpt, SmtpStage.Data, SmtpStage.AfterDot })
        {
            foreach (var code in new[] { 200, 250, 251, 299 })
                all.Add(stage, code, stage == SmtpStage.Data ? Later : Sent);
            foreach (var code in new[] { 421, 450, 451, 452, 499 })
                all.Add(stage, code, Later);
            foreach (var code in new[] { 500, 503, 550, 554, 599 })
                all.Add(stage, code, Failed);
            foreach (var code in stage == SmtpStage.Data ? new[] { 150, 600, NoCode } : [150, 354, 600, NoCode])
                all.Add(stage, code, stage == SmtpStage.AfterDot ? Held : Later);
        }
        all.Add(SmtpStage.Data, 354, Sent);
        return all;
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public async Task Reply_decides_what_becomes_of_the_mail_and_no_mail_is_handed_over_twice(SmtpStage stage, int code, string outcome)
    {
        using var certificate = stage == SmtpStage.StartTls ? TrustedAuthority.Instance.Certify("127.0.0.1") : null;
        await using var service = Service(stage, certificate);
        service.Server.Next(SmtpBehaviour.Reply(stage, code, stage == SmtpStage.Ehlo && code == 250 ? "testbed" : "2.0.0 what now"));
        using var mail = Mail(service);

        (await OutcomeAsync(service, mail)).ShouldBe(outcome);

        if (outcome == Later)
        {
            service.Server.DeliveriesById.ShouldBeEmpty();
            (await OutcomeAsync(service, mail)).ShouldBe(Sent);
        }
        using var next = Mail(service);
        (await OutcomeAsync(service, next)).ShouldBe(Sent, "the next mail"); // it must not read a reply that was meant for this one
        service.Server.MailsById.GetValueOrDefault(mail.MessageId!).ShouldBe(outcome is Sent or Later ? 1 : 0);
        service.Server.DeliveriesById.GetValueOrDefault(mail.MessageId!).ShouldBe(outcome == Failed ? 0 : 1);
        service.Server.DeliveriesById[next.MessageId!].ShouldBe(1);
    }

    private static MailService Service(SmtpStage stage, X509Certificate2? certificate)
    {
        var (user, password) = ((string?)"workinit", (string?)"right");
        if (stage != SmtpStage.Login)
            (user, password) = (null, null);
        return new MailService(
            new SmtpServerOptions { Username = user, Password = password, Tls = certificate is null ? SmtpServerTls.None : SmtpServerTls.StartTls, Certificate = certificate },
            options => (options.Username, options.Password, options.Security) = (user, password, certificate is null ? SmtpSecurity.None : SmtpSecurity.StartTls));
    }

    private static MimeMessage Mail(MailService service)
    {
        var mail = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "hello" } };
        mail.From.Add(service.Options.Sender);
        mail.To.Add(MailboxAddress.Parse(MailService.Recipient));
        return mail;
    }

    private static async Task<string> OutcomeAsync(MailService service, MimeMessage mail)
    {
        try
        {
            await service.SendAsync(mail);
            return Sent;
        }
        catch (MailDeferredException)
        {
            return Later;
        }
        catch (MailRefusedException)
        {
            return Failed;
        }
        catch (MailOutcomeUnknownException)
        {
            return Held;
        }
    }
}
