using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

public sealed class EncryptedMail
{
    private static readonly TimeSpan _valid = TimeSpan.FromDays(1);

    [Theory]
    [InlineData(SmtpServerTls.StartTls, "StartTls")]
    [InlineData(SmtpServerTls.Implicit, "Tls")]
    public async Task A_certificate_of_a_trusted_authority_gets_the_mail(SmtpServerTls tls, string security)
    {
        using var certificate = TestAuthority.Certify("127.0.0.1", _valid);
        await using var mail = new MailService(
            new SmtpServerOptions { Tls = tls, Certificate = certificate, Username = "workinit", Password = "right" },
            options => (options.Security, options.Username, options.Password) = (Enum.Parse<SmtpSecurity>(security), "workinit", "right"));
        await mail.SendAsync();
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(1);
    }

    [Theory]
    [InlineData("mail.example", 1)]
    [InlineData("127.0.0.1", -1)]
    public async Task Somebody_elses_certificate_or_an_old_one_gets_no_mail(string name, int days)
    {
        using var certificate = TestAuthority.Certify(name, days * _valid);
        await using var mail = new MailService(
            new SmtpServerOptions { Tls = SmtpServerTls.StartTls, Certificate = certificate }, options => options.Security = SmtpSecurity.StartTls);
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("certificate");
        deferred.Message.ShouldContain("Smtp__Host");
        mail.Server.MailsOffered.ShouldBe(0);
    }

    [Fact]
    public async Task Plain_text_to_a_port_that_speaks_tls_defers()
    {
        using var certificate = TestAuthority.Certify("127.0.0.1", _valid);
        await using var mail = new MailService(
            new SmtpServerOptions { Tls = SmtpServerTls.Implicit, Certificate = certificate }, options => options.SendTimeout = TimeSpan.FromSeconds(1));
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain($"127.0.0.1:{mail.Server.Port}");
    }

    [Fact]
    public async Task Tls_to_a_port_that_speaks_plain_text_defers_and_names_the_setting()
    {
        await using var mail = new MailService(change: options => options.Security = SmtpSecurity.Tls);
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain("Smtp__Security");
    }
}
