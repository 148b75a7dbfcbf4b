using System.Net;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Gifs;
using WorkinIt.Tests.OptOuts;

namespace WorkinIt.Tests.Mail;

public sealed class GifMailTests
{
    private static readonly DateTimeOffset _submittedAt = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly DateTimeOffset _sentAt = _submittedAt.AddHours(9); // the mail was delayed
    private readonly Guid _id = Guid.CreateVersion7();
    private readonly GifMail _composer = new(Options.Create(new SmtpOptions { Host = "localhost", From = "WorkinIt <gifs@workinit.example>" }), TestOptOuts.Links, new FakeTimeProvider(_sentAt));

    [Theory]
    [InlineData("Monday morning")]
    [InlineData("<script>alert('x')</script> & \"quotes\" 'too'")]
    [InlineData("😀👨‍👩‍👧 שלום مرحبا")]
    [InlineData(".\n..\nFrom here\n.")]
    [InlineData("  two  blanks \n\n and an empty line")]
    [InlineData("Subject: not\nBcc: victim@example.com\n\nnor a body")]
    [InlineData("=?utf-8?B?aGVsbG8=?= =3D %0d%0a")]
    public async Task Mail_contains_the_thought_unchanged_in_text_and_HTML(string thought)
    {
        var mail = await ComposeAndReadAsync(thought);
        mail.TextBody!.ReplaceLineEndings("\n").ShouldContain($"\n\n{thought}\n\n");
        HtmlThought(mail).ShouldBe(thought);
        mail.To.Mailboxes.ShouldHaveSingleItem().Address.ShouldBe("jane@example.com");
        mail.Cc.ShouldBeEmpty();
        mail.Bcc.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("x")]
    [InlineData(".")]
    [InlineData("😀")]
    [InlineData("ש")]
    public async Task Mail_contains_a_thought_of_five_hundred_characters_without_a_space(string character)
    {
        var thought = string.Concat(Enumerable.Repeat(character, 500));
        var mail = await ComposeAndReadAsync(thought);
        mail.TextBody!.ShouldContain(thought);
        HtmlThought(mail).ShouldBe(thought);
    }

    [Fact]
    public async Task Mail_subject_is_one_short_line_whatever_the_thought()
    {
        var mail = await ComposeAndReadAsync("first line\r\nBcc: victim@example.com " + new string('y', 200));
        mail.Subject!.ShouldStartWith("A GIF for your thought: first line Bcc:");
        mail.Subject.Length.ShouldBeLessThan(100);
        mail.Headers.Select(header => header.Id).ShouldBe(
            [HeaderId.MessageId, HeaderId.Date, HeaderId.Subject, HeaderId.From, HeaderId.To, HeaderId.AutoSubmitted, HeaderId.MimeVersion, HeaderId.ListUnsubscribe, HeaderId.ListUnsubscribePost],
            ignoreOrder: true);
    }

    [Theory]
    [InlineData("👨‍👩‍👧")]
    [InlineData("e\u0301")]
    public async Task Mail_subject_is_cut_between_complete_characters(string character)
    {
        var mail = await ComposeAndReadAsync(string.Concat(Enumerable.Repeat(character, 80)));
        mail.Subject.ShouldBe($"A GIF for your thought: {string.Concat(Enumerable.Repeat(character, 50))}…");
    }

    [Fact]
    public async Task Mail_has_the_message_id_of_its_submission_and_the_date_it_is_sent()
    {
        var mail = await ComposeAndReadAsync("hello");
        mail.MessageId.ShouldBe($"{_id:N}@workinit.example");
        mail.Date.ShouldBe(_sentAt);
        mail.Headers[HeaderId.AutoSubmitted].ShouldBe("auto-generated");
        mail.From.Mailboxes.Single().Name.ShouldBe("WorkinIt");
    }

    [Fact]
    public async Task Mail_has_an_unsubscribe_link_and_one_click_unsubscribe_headers()
    {
        var link = TestOptOuts.Links.For("jane@example.com");
        link.ShouldBe($"https://gifs.example.com/never-again/{TestOptOuts.Tokens.For("jane@example.com")}");
        var mail = await ComposeAndReadAsync("hello");
        mail.Headers[HeaderId.ListUnsubscribe].ShouldBe($"<{link}>");
        mail.Headers[HeaderId.ListUnsubscribePost].ShouldBe("List-Unsubscribe=One-Click");
        mail.HtmlBody!.ShouldContain($"href=\"{link}\"");
        mail.TextBody!.ShouldContain(link);
    }

    [Fact]
    public async Task Built_in_GIF_is_embedded_in_the_mail()
    {
        var mail = await ComposeAndReadAsync("coffee");
        var image = mail.BodyParts.OfType<MimePart>().Single(part => part.ContentType.IsMimeType("image", "gif"));
        mail.HtmlBody!.ShouldContain($"src=\"cid:{image.ContentId}\"");
        using var content = new MemoryStream();
        await image.Content!.DecodeToAsync(content);
        content.ToArray().ShouldBe(new BuiltInGifs().Choose("coffee").Content.ToArray());
    }

    [Fact]
    public async Task Giphy_GIF_is_linked_with_its_attribution()
    {
        var mail = await ComposeAndReadAsync("coffee", new GiphyGif(new Uri("https://media.giphy.com/1.gif?a=1&b=2"), "A \"cat\" falls"));
        mail.BodyParts.ShouldAllBe(part => part is TextPart);
        mail.HtmlBody!.ShouldContain("src=\"https://media.giphy.com/1.gif?a=1&amp;b=2\"");
        mail.HtmlBody!.ShouldContain("alt=\"A &quot;cat&quot; falls\"");
        mail.HtmlBody!.ShouldContain("Powered by GIPHY");
        mail.TextBody!.ShouldContain("Powered by GIPHY");
        mail.TextBody!.ShouldContain("https://media.giphy.com/1.gif?a=1&b=2");
    }

    [Theory]
    [InlineData("Monday morning")]
    [InlineData("A thought that is a good deal longer than the line of a terminal is, but still one line of what was typed")]
    public async Task Text_part_of_the_mail_has_lines_of_at_most_72_characters(string thought)
    {
        var longGif = new GiphyGif(new Uri("https://media.giphy.com/1.gif"), string.Join(' ', Enumerable.Repeat("a cat falls off a table", 12)));
        foreach (var gif in new BuiltInGifs().All.Append<Gif>(longGif))
        {
            var text = (await ComposeAndReadAsync(thought, gif)).TextBody!.ReplaceLineEndings("\n");
            var link = TestOptOuts.Links.For("jane@example.com");
            var ownLines = text.Split('\n').Where(line => line != thought && line != link).ToArray(); // a link can't be wrapped
            ownLines.ShouldAllBe(line => line.Length <= 72);
            ownLines[0].ShouldBe("Your thought:");
            ownLines.Count(line => line == "-- ").ShouldBe(1); // mail programs show the text after this line as a signature, and leave it out of a reply
            text.ShouldNotContain("\n\n\n");
            text.ShouldEndWith($".\n\nUnsubscribe:\n{link}\n");
            text.ShouldNotContain("no list"); // there is the suppression list, which the link below leads to
            string.Join(' ', ownLines).ShouldContain($"And its GIF: {gif.Alt}");
            string.Join(' ', ownLines).ShouldContain("write to gifs@workinit.example");
        }
    }

    [Fact]
    public async Task Encoded_mail_has_short_lines_and_its_recipient_in_angle_brackets()
    {
        using var mail = _composer.Compose(Command(new string('x', 500)), new BuiltInGifs().Choose("coffee"));
        using var wire = new MemoryStream();
        await mail.WriteToAsync(wire);
        var lines = System.Text.Encoding.ASCII.GetString(wire.ToArray()).ReplaceLineEndings("\n").Split('\n');
        lines.Where(line => !line.StartsWith("List-Unsubscribe: ", StringComparison.Ordinal)).Max(line => line.Length).ShouldBeLessThanOrEqualTo(78); // a link can't be folded
        lines.ShouldContain("To: <jane@example.com>");
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("")]
    [InlineData("jane@example.com, joe@example.com")]
    [InlineData("Jane <jane@example.com>")]
    [InlineData("jane@example.com\r\nBcc: joe@example.com")]
    [InlineData("jane@example.com\n")]
    [InlineData("jane@example.com\0")]
    [InlineData("jane@example.com (Jane)")]
    [InlineData("friends: jane@example.com;")]
    [InlineData(" jane@example.com")]
    [InlineData("jane@")]
    [InlineData("@people.example")]
    [InlineData("jane@@example.com")]
    public void Mail_to_an_invalid_address_is_refused(string address)
    {
        var refused = Should.Throw<MailRefusedException>(() => _composer.Compose(Command("hello") with { EmailAddress = address }, new BuiltInGifs().Choose("hello")));
        if (address.Length > 0)
            refused.Message.ShouldNotContain(address);
    }

    private static string HtmlThought(MimeMessage mail)
    {
        var start = mail.HtmlBody!.IndexOf('>', mail.HtmlBody!.IndexOf("<p class=\"thought\"", StringComparison.Ordinal)) + 1;
        var inner = mail.HtmlBody![start..mail.HtmlBody!.IndexOf("</p>", start, StringComparison.Ordinal)];
        inner.Replace("<br>", "", StringComparison.Ordinal).ShouldNotContain('<');
        return WebUtility.HtmlDecode(inner.Replace("<br>", "\n", StringComparison.Ordinal));
    }

    private async Task<MimeMessage> ComposeAndReadAsync(string thought, Gif? gif = null)
    {
        using var mail = _composer.Compose(Command(thought), gif ?? new BuiltInGifs().Choose(thought));
        using var wire = new MemoryStream();
        await mail.WriteToAsync(wire);
        wire.Position = 0;
        return await MimeMessage.LoadAsync(wire);
    }

    private SendGifEmail Command(string thought) => new(_id, "jane@example.com", thought, _submittedAt);
}
