using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters.Catalogue.Notifications;

namespace WorkinIt.Tests.Catalogue;

public sealed class NotificationSettingsTests
{
    private const string Key = "a-key-in-the-address";

    [Fact]
    public void Receivers_are_read_from_the_settings()
    {
        var options = Read(
            ("Notifications:0:Url", "https://alerts.example.com/hook"), ("Notifications:0:Secret", "a secret with 24 characters or more"),
            ("Notifications:1:Url", $"https://hooks.slack.com/services/{Key}"), ("Notifications:1:Format", "Slack"),
            ("Notifications:2:Url", "http://teams.example.com/flow"), ("Notifications:2:Format", "teams"),
            ("Notifications:PublicUrl", "https://ops.example.com/dead-letters"), ("Notifications:BurstFailures", "20"));
        options.Receivers.Select(receiver => receiver.Format).ShouldBe([NotificationFormat.Json, NotificationFormat.Slack, NotificationFormat.Teams]);
        options.Receivers[0].Secret.ShouldBe("a secret with 24 characters or more");
        options.PublicUrl.ShouldBe(new Uri("https://ops.example.com/dead-letters"));
        options.BurstFailures.ShouldBe(20);
        options.Receivers[1].Name.ShouldBe("hooks.slack.com (slack)");
        options.ToString().ShouldNotContain(Key); // the address of a webhook is a key
        options.Receivers[0].ToString().ShouldNotContain("secret");
    }

    [Fact]
    public void Mail_receiver_uses_the_settings_of_the_mail_server_and_its_name_shows_no_address()
    {
        var options = Read(
            ("Notifications:0:Url", "https://alerts.example.com/hook"), ("Notifications:1:Url", "mailto:jane@example.com"), ("Smtp:Host", "mail.example.com"),
            ("Smtp:From", "Alerts <alerts@example.com>"), ("Smtp:Port", "465"), ("Smtp:Security", "tls"), ("Smtp:Username", "alerts"), ("Smtp:Password", Key));
        options.Receivers[1].Format.ShouldBe(NotificationFormat.Mail);
        options.Receivers[1].Name.ShouldBe("j…@e… (mail)");
        options.MailServer.ShouldBe(new MailServer("mail.example.com", "Alerts <alerts@example.com>") { Port = 465, Security = MailSecurity.Tls, Username = "alerts", Password = Key });
        options.ToString().ShouldNotContain(Key);
        options.ToString().ShouldNotContain("jane");
        Read(("Notifications:0:Url", "https://alerts.example.com/hook"), ("Smtp:Host", "mail.example.com")).MailServer.ShouldBeNull(); // not needed
    }

    [Fact]
    public void Without_settings_there_are_no_receivers_and_a_burst_is_more_than_100_failures()
    {
        var options = Read();
        options.Receivers.ShouldBeEmpty();
        options.BurstFailures.ShouldBe(100);
    }

    [Theory]
    [InlineData("Notifications__0__Url", "Notifications:0:Format", "slack")]
    [InlineData("Notifications__0__Url", "Notifications:0:Url", "ftp://example.com/a-key-in-the-address")]
    [InlineData("Notifications__0__Url", "Notifications:0:Url", "https://user:a-key-in-the-address@example.com")]
    [InlineData("Notifications__0__Format", "Notifications:0:Format", "xml", "Notifications:0:Url", "https://example.com")]
    [InlineData("Notifications__0__Secret", "Notifications:0:Secret", "short", "Notifications:0:Url", "https://example.com")]
    [InlineData("Notifications__0__Secret", "Notifications:0:Secret", "whsec_not base64, a-key-in-the-address", "Notifications:0:Url", "https://example.com")]
    [InlineData("Notifications__0__Secret", "Notifications:0:Secret", "a secret with 24 characters or more", "Notifications:0:Url", "https://example.com", "Notifications:0:Format", "teams")]
    [InlineData("Notifications__0__Url", "Notifications:0:Url", "mailto:a-key-in-the-address")]
    [InlineData("Notifications__0__Url", "Notifications:0:Url", "mailto:jane@example.com?cc=a-key-in-the-address@example.com")]
    [InlineData("Notifications__0__Format", "Notifications:0:Url", "mailto:jane@example.com", "Notifications:0:Format", "json")]
    [InlineData("Notifications__0__Format", "Notifications:0:Url", "https://example.com", "Notifications:0:Format", "mail")]
    [InlineData("Notifications__0__Secret", "Notifications:0:Url", "mailto:jane@example.com", "Notifications:0:Secret", "a secret with 24 characters or more")]
    [InlineData("Smtp__Host", "Notifications:0:Url", "mailto:jane@example.com")]
    [InlineData("Smtp__From", "Notifications:0:Url", "mailto:jane@example.com", "Smtp:Host", "mail.example.com")]
    [InlineData("Smtp__From", "Notifications:0:Url", "mailto:jane@example.com", "Smtp:Host", "mail.example.com", "Smtp:From", "alerts")]
    [InlineData("Smtp__Port", "Notifications:0:Url", "mailto:jane@example.com", "Smtp:Host", "mail.example.com", "Smtp:From", "alerts@example.com", "Smtp:Port", "0")]
    [InlineData("Smtp__Security", "Notifications:0:Url", "mailto:jane@example.com", "Smtp:Host", "mail.example.com", "Smtp:From", "alerts@example.com", "Smtp:Security", "some")]
    [InlineData("Smtp__Password", "Notifications:0:Url", "mailto:jane@example.com", "Smtp:Host", "mail.example.com", "Smtp:From", "alerts@example.com", "Smtp:Username", "alerts")]
    [InlineData("Notifications: two receivers", "Notifications:0:Url", "https://example.com", "Notifications:1:Url", "https://example.com")]
    [InlineData("Notifications__PublicUrl", "Notifications:PublicUrl", "javascript:alert(1)")]
    [InlineData("Notifications__BurstFailures", "Notifications:BurstFailures", "0")]
    [InlineData("Notifications__BurstFailures", "Notifications:BurstFailures", "many")]
    public void Invalid_setting_is_an_error_that_names_it_and_shows_no_key(string named, params string[] settings)
    {
        var error = Should.Throw<OptionsValidationException>(() => Read([.. settings.Chunk(2).Select(pair => (pair[0], pair[1]))])).Message;
        error.ShouldContain(named);
        error.ShouldNotContain(Key);
        error.ShouldNotContain('\n');
    }

    private static NotificationOptions Read(params (string Key, string? Value)[] settings) => NotificationOptions.FromSettings(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))).Build());
}
