using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Checks the mails with SpamAssassin's rules for headers and body; the rules that need the network are off.</summary>
[Collection(nameof(RunningSystem))]
[Trait("broker", "any")] // tests mails only
public sealed class SpamFilterTests(RunningSystem running)
{
    [Fact]
    public async Task SpamAssassin_accepts_a_mail_as_the_mail_server_received_it()
    {
        await WorkinItSystem.SubmitAsync(running.Web, "filter@people.example", "x");
        var mail = await Eventually.SeeAsync(
            () => Task.FromResult(running.System.Mail.Mails.FirstOrDefault(mail => mail.Recipient == "filter@people.example")), mail => mail is not null, "the mail has arrived");
        await ShouldTriggerNoRuleAsync(mail!.Content);
    }

    [Theory]
    [InlineData("x", "A cat")]
    [InlineData("Monday morning, and no coffee left", null)]
    [InlineData("שבת שלום 😀\nFriday!", null)]
    [InlineData("FREE MONEY!!!", "A cat \"falls\" & gets up")]
    public async Task SpamAssassin_accepts_a_mail_with_either_kind_of_GIF_whatever_the_thought(string thought, string? giphy)
    {
        var links = new OptOutLinks(
            new OptOutTokens(Options.Create(new OptOutOptions { Secret = WorkinItSystem.OptOutSecret })), Options.Create(new OptOutLinkOptions { Url = "https://workinit.example" }));
        var composer = new GifMail(Options.Create(new SmtpOptions { Host = "localhost", From = "WorkinIt <gifs@workinit.example>" }), links, TimeProvider.System);
        using var mail = composer.Compose(
            new SendGifEmail(Guid.CreateVersion7(), "jane.doe@people.example", thought, DateTimeOffset.UtcNow.AddDays(-2)), // two days old, as after delays and a replay
            giphy is null ? new BuiltInGifs().Choose(thought) : new GiphyGif(new Uri("https://media.giphy.com/media/1.gif"), giphy));
        using var wire = new MemoryStream();
        await mail.WriteToAsync(wire);
        await ShouldTriggerNoRuleAsync(wire.ToArray());
    }

    [Fact]
    public async Task SpamAssassin_objects_to_an_obviously_bad_mail()
    {
        var rules = await FilterAsync("From: x\r\nTo: y@people.example\r\nSubject: FREE MONEY\r\nContent-Type: text/html\r\n\r\n<html><img src=\"http://203.0.113.9/x.gif\"></html>\r\n"u8.ToArray());
        rules.Where(rule => rule.Score > 0.5).ShouldNotBeEmpty();
    }

    private static async Task ShouldTriggerNoRuleAsync(ReadOnlyMemory<byte> mail)
    {
        var rules = await FilterAsync(mail);
        rules.Select(rule => rule.Name).ShouldContain("HTML_MESSAGE"); // shows that the rules ran
        // HTML_MESSAGE scores 0.001: SpamAssassin gives a purely informational rule this score, because a rule that scores 0 is off.
        rules.Where(rule => rule.Score > 0.001).ShouldBeEmpty();
    }

    private static async Task<IReadOnlyList<(string Name, double Score)>> FilterAsync(ReadOnlyMemory<byte> mail)
    {
        using var filter = Process.Start(new ProcessStartInfo("spamassassin", ["--local", "--nocreate-prefs", "--prefspath=/dev/null", "--cf=report_safe 0", "--cf=fold_headers 0", "--cf=add_header all Scores _TESTSSCORES(,)_"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (filter.StandardOutput.ReadToEndAsync(), filter.StandardError.ReadToEndAsync());
        await filter.StandardInput.BaseStream.WriteAsync(Encoding.ASCII.GetBytes(Received()));
        await filter.StandardInput.BaseStream.WriteAsync(mail);
        filter.StandardInput.Close();
        await filter.WaitForExitAsync();
        var scores = (await output).Split('\n').FirstOrDefault(line => line.StartsWith("X-Spam-Scores: ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"SpamAssassin reported no scores: {await errors}");
        return [.. scores["X-Spam-Scores: ".Length..].Split(',').Select(score => score.Trim().Split('='))
            .Select(score => (score[0], double.Parse(score[1], CultureInfo.InvariantCulture)))];
    }

    // The header that the recipient's mail server adds. Without it, SpamAssassin assumes that the mail never left the machine. The address is a
    // public one, because SpamAssassin considers an address reserved for documentation forged.
    private static string Received() => string.Create(CultureInfo.InvariantCulture, $"""
        Received: from mail.workinit.example (mail.workinit.example [93.184.216.34])
            by mx.people.example (Postfix) with ESMTPS id 4F1A2B3C4D
            for <jane.doe@people.example>; {DateTimeOffset.UtcNow:ddd, dd MMM yyyy HH:mm:ss} +0000

        """).ReplaceLineEndings("\r\n");
}
