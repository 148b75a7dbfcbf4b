using System.Net;
using System.Text;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Contracts;
using WorkinIt.Gifs;
using WorkinIt.Testbed;
using WorkinIt.Tests.OptOuts;

namespace WorkinIt.Tests.Mail;

/// <summary>Mails sent through SMTP: the mail server receives the thought unchanged.</summary>
public sealed class ReceivedMailTests
{
    private const int LongestLine = 998; // RFC 5321, without its CRLF

    public static TheoryData<string> Thoughts => new()
    {
        ".",
        ".\n.\n..\n...dots",
        "From me to you\nFrom here to there",
        "ends in blanks   \n\tand tabs\t\n",
        "\n\nbegins and ends with empty lines\n\n",
        "--\n-- \n--=_boundary",
        "😀👨‍👩‍👧‍👦🏳️‍🌈 שלום عليكم \u202eright to left\u202c",
        "Ünïcödé, 日本語, e\u0301 and \u00e9, \u200bzero width, \ufeffmark",
        "<script>alert('x')</script><img src=x onerror=alert(1)> & &amp; &#60; \" ' `",
        "=?utf-8?q?not_encoded?= =3D= \\ % {{0}} {0} $1 \\n",
        "\r\nTo: victim@example.com\r\n\r\n.\r\nMAIL FROM:<x@example.com>\r\n".ReplaceLineEndings("\n"),
        new string('x', 500),
        new string('ß', 500),
        string.Concat(Enumerable.Repeat("😀", 500)),
        string.Concat(Enumerable.Repeat("\n", 499)) + "x",
        string.Concat(Enumerable.Repeat("<&\">'", 100)),
    };

    [Theory]
    [MemberData(nameof(Thoughts))]
    public async Task Thought_arrives_unchanged_in_both_parts_of_the_mail_and_for_one_recipient(string thought)
    {
        await using var service = new MailService();
        var received = await SendAsync(service, thought, new BuiltInGifs().Choose(thought));
        var wire = Encoding.Latin1.GetString(received.Content.Span);
        wire.Split("\r\n").Max(line => line.Length).ShouldBeLessThanOrEqualTo(LongestLine);
        wire.Replace("\r\n", "", StringComparison.Ordinal).ShouldNotContain('\n');

        var mail = await ReadAsync(received);
        mail.TextBody!.ReplaceLineEndings("\n").ShouldContain($"Your thought:\n\n{thought}\n\nAnd its GIF");
        HtmlThought(mail.HtmlBody!).ShouldBe(thought);
        mail.Headers.Select(header => header.Id).ShouldBe(
            [HeaderId.From, HeaderId.Date, HeaderId.Subject, HeaderId.MessageId, HeaderId.To, HeaderId.AutoSubmitted, HeaderId.ListUnsubscribe, HeaderId.ListUnsubscribePost, HeaderId.MimeVersion],
            ignoreOrder: true);
        received.Recipients.ShouldBe([MailService.Recipient]);
        service.Server.ProtocolErrors.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Thoughts))]
    public async Task Received_subject_is_one_line_of_complete_characters(string thought)
    {
        await using var service = new MailService();
        var mail = await ReadAsync(await SendAsync(service, thought, new BuiltInGifs().Choose(thought)));
        mail.Subject!.ShouldStartWith("A GIF for your thought:");
        mail.Subject!.ShouldNotContain("\n");
        mail.Subject!.ShouldNotContain("\r");
        mail.Subject!.ShouldNotContain("\ufffd");
        mail.Subject!.EnumerateRunes().ShouldNotContain(rune => Rune.IsControl(rune));
    }

    [Fact]
    public async Task Same_command_sent_twice_yields_the_same_mail()
    {
        await using var service = new MailService();
        var id = Guid.CreateVersion7();
        var first = await ReadAsync(await SendAsync(service, "twice", new BuiltInGifs().Choose("twice"), id));
        var second = await ReadAsync(await SendAsync(service, "twice", new BuiltInGifs().Choose("twice"), id));
        second.MessageId.ShouldBe(first.MessageId);
        second.Date.ShouldBe(first.Date);
        second.Subject.ShouldBe(first.Subject);
        second.TextBody.ShouldBe(first.TextBody);
        second.HtmlBody.ShouldBe(first.HtmlBody);
        service.Server.DeliveriesById.ShouldHaveSingleItem().Value.ShouldBe(2);
    }

    [Fact]
    public async Task Giphy_description_cannot_inject_markup_or_headers()
    {
        await using var service = new MailService();
        var received = await SendAsync(service, "hello", new GiphyGif(new Uri("https://media.giphy.com/a\"><script>.gif"), "\"><script>alert(1)</script>\r\nBcc: x@example.com"));
        var mail = await ReadAsync(received);
        mail.HtmlBody!.ShouldNotContain("<script");
        mail.Bcc.ShouldBeEmpty();
        mail.BodyParts.OfType<MimePart>().ShouldAllBe(part => part is TextPart);
    }

    [Fact]
    public async Task Encoded_international_domain_arrives_unchanged()
    {
        await using var service = new MailService();
        var received = await SendAsync(service, "hello", new BuiltInGifs().Choose("hello"), recipient: "jane@xn--bcher-kva.example");
        received.Recipient.ShouldBe("jane@xn--bcher-kva.example");
    }

    private static async Task<ReceivedMail> SendAsync(MailService service, string thought, Gif gif, Guid? id = null, string recipient = MailService.Recipient)
    {
        var composer = new GifMail(Options.Create(service.Options), TestOptOuts.Links, TimeProvider.System);
        using var mail = composer.Compose(new SendGifEmail(id ?? Guid.CreateVersion7(), recipient, thought, DateTimeOffset.UnixEpoch), gif);
        await service.SendAsync(mail);
        return service.Server.Mails[^1];
    }

    private static async Task<MimeMessage> ReadAsync(ReceivedMail received)
    {
        using var wire = new MemoryStream(received.Content.ToArray());
        return await MimeMessage.LoadAsync(wire);
    }

    private static string HtmlThought(string html)
    {
        var start = html.IndexOf('>', html.IndexOf("<p class=\"thought\"", StringComparison.Ordinal)) + 1;
        var inner = html[start..html.IndexOf("</p>", start, StringComparison.Ordinal)];
        inner.Replace("<br>", "", StringComparison.Ordinal).ShouldNotContain('<');
        return WebUtility.HtmlDecode(inner.Replace("<br>", "\n", StringComparison.Ordinal));
    }
}
