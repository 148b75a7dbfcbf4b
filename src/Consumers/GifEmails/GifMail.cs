using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Writes the mail: the thought and its GIF, as text and as HTML, from the same command the same mail, but for its date.</summary>
internal sealed class GifMail(IOptions<SmtpOptions> options, OptOutLinks optOuts, TimeProvider time)
{
    private const int LongestSubjectThought = 50;
    private const int LongestLine = 72; // in a terminal of 80 columns it can be quoted, too
    private const string PoweredByGiphy = "Powered by GIPHY";
    private const string NeverAgain = "Never mail me again";

    /// <exception cref="MailRefusedException">The address is none: no server could take the mail.</exception>
    public MimeMessage Compose(SendGifEmail command, Gif gif)
    {
        var sender = options.Value.Sender;
        var recipient = Recipient(command.EmailAddress);
        var neverAgain = optOuts.For(command.EmailAddress);
        var mail = new MimeMessage
        {
            MessageId = $"{command.SubmissionId:N}@{sender.Domain}",
            Date = time.GetUtcNow(), // of this try: of one that was delayed for hours a filter would say that it comes out of the past
            Subject = $"A GIF for your thought: {Shorten(command.Thought)}",
            Body = Body(command, gif, sender, neverAgain),
        };
        mail.From.Add(sender);
        if (recipient.GetAddress(idnEncode: true) is var address && Ascii.IsValid(address))
            mail.Headers.Add(Bracketed("To", address));
        else
            mail.To.Add(recipient); // no server takes it; the sender says so
        mail.Headers.Add(HeaderId.AutoSubmitted, "auto-generated"); // no out-of-office answers, please
        // The mail program's own button: it posts, and nobody opens a page (RFC 8058).
        mail.Headers.Add(Bracketed("List-Unsubscribe", neverAgain));
        mail.Headers.Add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        return mail;
    }

    // MimeKit writes an address without a name bare. So many a spammer's script does, and filters count it against us. A link stays in one line.
    private static Header Bracketed(string name, string address)
    {
        var header = new Header(name, "");
        header.SetRawValue(Encoding.ASCII.GetBytes($" <{address}>\r\n"));
        return header;
    }

    private static MailboxAddress Recipient(string? address)
    {
        // Web has checked it; but anybody with the right may publish a command, or an operator may have edited one: it may be missing.
        return address is not null && !address.Any(char.IsControl)
            && MailboxAddress.TryParse(address, out var mailbox)
            && (mailbox.GetAddress(idnEncode: true) == address || mailbox.GetAddress(idnEncode: false) == address) // MimeKit decodes xn--
            && mailbox.Domain.Length > 0
                ? mailbox
                : throw new MailRefusedException("The command's EmailAddress is not one bare address (name@example.com): no mail server could take it");
    }

    // Quoted-printable, so that no line is too long and no blank at a line's end is lost on the way.
    private static MultipartAlternative Body(SendGifEmail command, Gif gif, MailboxAddress sender, string neverAgain)
    {
        var text = new TextPart("plain") { Text = Text(command.Thought, gif, sender, neverAgain), ContentTransferEncoding = ContentEncoding.QuotedPrintable };
        var (source, image) = gif switch
        {
            CollectionGif own => Inline(own, $"{own.Name}.{command.SubmissionId:N}@{sender.Domain}"),
            GiphyGif giphy => (giphy.Url.AbsoluteUri, null),
            _ => throw new ArgumentException($"{gif.GetType().Name} is no kind of GIF that a mail can carry", nameof(gif)),
        };
        var html = new TextPart("html") { Text = Html(command.Thought, gif, source, sender, neverAgain), ContentTransferEncoding = ContentEncoding.QuotedPrintable };
        return new MultipartAlternative(text, image is null ? html : new MultipartRelated { html, image });
    }

    private static (string Source, MimePart Image) Inline(CollectionGif gif, string contentId) => ($"cid:{contentId}", new EncodedGif(gif, contentId));

    /// <summary>One line, cut between whole characters; nothing in it can begin a header of its own.</summary>
    private static string Shorten(string thought)
    {
        var line = string.Join(' ', thought.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var elements = new StringInfo(line);
        return elements.LengthInTextElements <= LongestSubjectThought
            ? line
            : elements.SubstringByTextElements(0, LongestSubjectThought).TrimEnd() + "…";
    }

    // An address to write to in the text: a mail with a GIF and no way back is taken for spam, and rightly.
    private static string Why(MailboxAddress sender) =>
        "You got this one mail because somebody gave your address to WorkinIt together with this thought. It is not a subscription. " +
        $"If you did not expect it, write to {sender.Address}, or stop all mail from WorkinIt with the link below.";

    /// <summary>In lines that a terminal shows whole. A word that is longer, such as an address, stays in one piece.</summary>
    private static string Wrap(string text)
    {
        var lines = new StringBuilder();
        var length = 0;
        foreach (var word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            var fits = length + 1 + word.Length <= LongestLine;
            if (length > 0)
                lines.Append(fits ? ' ' : '\n');
            lines.Append(word);
            length = fits && length > 0 ? length + 1 + word.Length : word.Length;
        }
        return lines.ToString();
    }

    // The thought as it was typed: mail programs wrap its lines as their reader likes it.
    private static string Text(string thought, Gif gif, MailboxAddress sender, string neverAgain) => $"""
        Your thought:

        {thought}

        {Wrap($"And its GIF: {gif.Alt}")}
        {(gif is GiphyGif giphy ? $"{giphy.Url.AbsoluteUri}\n({PoweredByGiphy})" : "(The picture is in the HTML part of this mail.)")}

        --{" "}
        {Wrap(Why(sender))}

        {NeverAgain}:
        {neverAgain}

        """;

    // As entities, so that no mail program's guess at a character set can spoil it.
    private static string Encode(string thought) =>
        string.Join("<br>", thought.Split('\n').Select(HtmlEncoder.Default.Encode));

    // Tables and inline styles: what mail programs understand. The style element only adds dark mode and small screens; data-ogsb and
    // data-ogsc are Outlook's on the web, which knows no prefers-color-scheme. Outlook on Windows ignores max-width, shows unknown fonts as
    // Times and scales pictures by the screen's density: what it needs stands in comments that only it reads. SpamAssassin holds a
    // picture against HTML of 3,200 bytes or less; a test sees to it that this is longer. The article names its language and itself, for a
    // mail program takes only the inside of the body.
    private static string Html(string thought, Gif gif, string source, MailboxAddress sender, string neverAgain) => $$"""
        <!DOCTYPE html>
        <html lang="en" xmlns:o="urn:schemas-microsoft-com:office:office">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="supported-color-schemes" content="light dark">
        <meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
        <meta name="x-apple-disable-message-reformatting">
        <title>A GIF for your thought</title>
        <style>
        :root { color-scheme: light dark; }
        @media (prefers-color-scheme: dark) {
          .page { background: #1d1a17 !important; }
          .card { background: #2a2622 !important; border-color: #443d36 !important; }
          .thought { color: #f4ede4 !important; }
          .quiet, .gif { color: #b9aea2 !important; }
        }
        [data-ogsb] .page { background: #1d1a17 !important; }
        [data-ogsb] .card { background: #2a2622 !important; border-color: #443d36 !important; }
        [data-ogsc] .thought { color: #f4ede4 !important; }
        [data-ogsc] .quiet, [data-ogsc] .gif { color: #b9aea2 !important; }
        @media (max-width: 480px) { .card { border-radius: 0 !important; } .inner { padding: 20px !important; } }
        </style>
        <!--[if mso]>
        <style>p { font-family: 'Segoe UI', Arial, sans-serif !important; }</style>
        <xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml>
        <![endif]-->
        </head>
        <body class="page" style="margin:0;padding:0;background:#f6f1ea;-webkit-text-size-adjust:100%;text-size-adjust:100%;">
        <div role="article" aria-roledescription="mail" aria-label="A GIF for your thought" lang="en">
        <table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f6f1ea;"><tr><td align="center" style="padding:24px 0;">
        <!--[if mso]><table role="presentation" width="520" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
        <table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:520px;background:#ffffff;border:1px solid #e4dacd;border-radius:16px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
        <tr><td class="inner" style="padding:28px 32px;">
        <p class="quiet" style="margin:0 0 8px;font-size:14px;line-height:20px;color:#6b6157;">You thought</p>
        <p class="thought" dir="auto" style="margin:0 0 24px;font-size:22px;line-height:30px;font-weight:600;color:#2b2622;white-space:pre-wrap;overflow-wrap:anywhere;word-break:break-word;">{{Encode(thought)}}</p>
        <p class="quiet" style="margin:0 0 8px;font-size:14px;line-height:20px;color:#6b6157;">And its GIF</p>
        <img class="gif" src="{{HtmlEncoder.Default.Encode(source)}}" alt="{{HtmlEncoder.Default.Encode(gif.Alt)}}" width="456" style="display:block;width:100%;max-width:456px;height:auto;border-radius:12px;border:0;font-size:16px;line-height:24px;color:#6b6157;">
        {{(gif is GiphyGif ? $"""<p class="quiet" style="margin:8px 0 0;font-size:12px;line-height:18px;color:#6b6157;">{PoweredByGiphy}</p>""" : "")}}
        </td></tr>
        </table>
        <!--[if mso]></td></tr></table><![endif]-->
        <p class="quiet" style="max-width:456px;margin:16px auto 0;padding:0 24px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:12px;line-height:18px;color:#6b6157;">{{HtmlEncoder.Default.Encode(Why(sender))}}<br><a class="quiet" href="{{HtmlEncoder.Default.Encode(neverAgain)}}" style="color:#6b6157;">{{NeverAgain}}</a></p>
        </td></tr></table>
        </div>
        </body>
        </html>
        """;
}
