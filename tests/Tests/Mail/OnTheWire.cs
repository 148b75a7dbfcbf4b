using System.Net;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Gifs;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>What the mail server has in its hands: SMTP stuffs dots, and MailKit encodes for what the server offers.</summary>
public sealed class OnTheWire
{
    [Theory]
    [InlineData(".\n..\n...three\n.")]
    [InlineData("From here\n>From there\n\nFrom nowhere")]
    [InlineData("ends with blanks   \nand a tab\t")]
    [InlineData("😀👨‍👩‍👧 שלום مرحبا <script>\"'&amp;")]
    [InlineData("\nBcc: victim@example.com\n\n.\nMAIL FROM:<x@example.com>")]
    public async Task The_thought_arrives_as_it_was(string thought)
    {
        await using var server = new SmtpServer();
        var smtp = Options.Create(new SmtpOptions { Host = "127.0.0.1", Port = server.Port, Security = SmtpSecurity.None, From = "gifs@workinit.example" });
        await using var pool = new SmtpConnectionPool(smtp, TimeProvider.System);
        var command = new SendGifEmail(Guid.CreateVersion7(), "jane@example.com", thought, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        using var mail = new GifMail(smtp).Compose(command, new BuiltInGifs().Choose("cat"));

        await new SmtpMailSender(pool, smtp, TimeProvider.System).SendAsync(mail, () => Task.CompletedTask, default);

        var received = server.Mails.ShouldHaveSingleItem();
        received.Recipients.ShouldBe(["jane@example.com"]);
        received.MessageId.ShouldBe($"{command.SubmissionId:N}@workinit.example");
        server.ProtocolErrors.ShouldBeEmpty();
        using var content = new MemoryStream(received.Content.ToArray());
        var read = await MimeMessage.LoadAsync(content);
        read.TextBody!.ReplaceLineEndings("\n").ShouldContain($"Your thought:\n\n{thought}\n\n");
        WebUtility.HtmlDecode(read.HtmlBody!.Replace("<br>", "\n", StringComparison.Ordinal)).ShouldContain($">{thought}</p>");
        read.Headers.Contains(HeaderId.Bcc).ShouldBeFalse();
    }
}
