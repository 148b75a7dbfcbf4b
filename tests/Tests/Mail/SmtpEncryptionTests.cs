using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

public sealed class SmtpEncryptionTests
{
    [Theory]
    [InlineData(SmtpServerTls.StartTls, "StartTls")]
    [InlineData(SmtpServerTls.Implicit, "Tls")]
    public async Task Mail_is_sent_to_a_server_with_a_certificate_of_a_trusted_authority(SmtpServerTls tls, string security)
    {
        using var certificate = TrustedAuthority.Instance.Certify("127.0.0.1");
        await using var mail = new MailService(
            new SmtpServerOptions { Tls = tls, Certificate = certificate, Username = "workinit", Password = "right" },
            options => (options.Security, options.Username, options.Password) = (Enum.Parse<SmtpSecurity>(security), "workinit", "right"));
        await mail.SendAsync();
        await mail.SendAsync();
        mail.Server.MailCount.ShouldBe(2);
        mail.Server.ConnectionsOpened.ShouldBe(1);
    }

    [Theory]
    [InlineData("another name", SmtpServerTls.StartTls)]
    [InlineData("another name", SmtpServerTls.Implicit)]
    [InlineData("expired", SmtpServerTls.StartTls)]
    [InlineData("expired", SmtpServerTls.Implicit)]
    [InlineData("self-signed", SmtpServerTls.StartTls)]
    [InlineData("self-signed", SmtpServerTls.Implicit)]
    [InlineData("of an unknown authority", SmtpServerTls.StartTls)]
    [InlineData("of an unknown authority", SmtpServerTls.Implicit)]
    public async Task Server_with_an_invalid_certificate_gets_neither_the_mail_nor_the_password(string problem, SmtpServerTls tls)
    {
        using var unknownAuthority = new TestAuthority();
        using var certificate = problem switch
        {
            "another name" => TrustedAuthority.Instance.Certify("mail.example"),
            "expired" => TrustedAuthority.Instance.Certify("127.0.0.1", TimeSpan.FromDays(-1)),
            "self-signed" => TestAuthority.SelfSigned("127.0.0.1"),
            _ => unknownAuthority.Certify("127.0.0.1"),
        };
        await using var mail = new MailService(
            new SmtpServerOptions { Tls = tls, Certificate = certificate, Username = "workinit", Password = "sesame" },
            options => (options.Security, options.Username, options.Password) = (tls == SmtpServerTls.Implicit ? SmtpSecurity.Tls : SmtpSecurity.StartTls, "workinit", "sesame"));
        var deferred = await Should.ThrowAsync<MailDeferredException>(mail.SendAsync());
        deferred.Message.ShouldContain("certificate");
        deferred.Message.ShouldContain("Smtp__Host");
        deferred.ToString().ShouldNotContain("sesame");
        mail.Server.MailsOffered.ShouldBe(0);
        mail.Server.LoginsTried.ShouldBe(0);
    }

    [Fact]
    public async Task Plain_text_connection_to_a_TLS_port_defers_the_mail()
    {
        using var certificate = TrustedAuthority.Instance.Certify("127.0.0.1");
        await using var mail = new MailService(
            new SmtpServerOptions { Tls = SmtpServerTls.Implicit, Certificate = certificate }, options => options.SendTimeout = TimeSpan.FromSeconds(1));
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain($"127.0.0.1:{mail.Server.Port}");
    }

    [Fact]
    public async Task TLS_connection_to_a_plain_text_port_defers_the_mail_and_names_the_setting()
    {
        await using var mail = new MailService(change: options => options.Security = SmtpSecurity.Tls);
        (await Should.ThrowAsync<MailDeferredException>(mail.SendAsync())).Message.ShouldContain("Smtp__Security");
    }
}
