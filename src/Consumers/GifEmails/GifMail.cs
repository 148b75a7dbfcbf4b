using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Composes the mail with the thought and its GIF, as text and as HTML. The same command gives the same mail, except for its date.</summary>
internal sealed class GifMail(IOptions<SmtpOptions> options, OptOutLinks optOuts, TimeProvider time)
{
    private const int LongestSubjectThought = 50;
    private const int LongestLine = 72; // leaves room for quoting in a terminal of 80 columns
    private const string PoweredByGiphy = "Powered by GIPHY";
    private const string Unsubscribe = "Unsubscribe";

    /// <exception cref="MailRefusedException">The recipient's address is not valid, so no mail server could accept the mail.</exception>
    public MimeMessage Compose(SendGifEmail command, Gif gif)
    {
        var sender = options.Value.Sender;
        var recipient = Recipient(command.EmailAddress);
        var neverAgain = optOuts.For(command.EmailAddress);
        var mail = new MimeMessage
        {
            MessageId = $"{command.SubmissionId:N}@{sender.Domain}",
            Date = time.GetUtcNow(), // of this try: a spam filter penalizes a mail whose date is hours old
            Subject = $"A GIF for your thought: {Shorten(command.Thought)}",
            Body = Body(command, gif, sender, neverAgain),
        };
        mail.From.Add(sender);
        if (recipient.GetAddress(idnEncode: true) is var address && Ascii.IsValid(address))
            mail.Headers.Add(Bracketed("To", address));
        else
            mail.To.Add(recipient); // no server accepts it; the mail sender reports that
        mail.Headers.Add(HeaderId.AutoSubmitted, "auto-generated"); // suppresses out-of-office replies
        // For the mail program's own unsubscribe button, which posts without opening a page (RFC 8058).
        mail.Headers.Add(Bracketed("List-Unsubscribe", neverAgain));
        mail.Headers.Add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        return mail;
    }

    // MimeKit writes an address without a display name bare, as many spam scripts do, and spam filters penalize that. A link must stay on one line.
    private static Header Bracketed(string name, string address)
    {
        var header = new Header(name, "");
        header.SetRawValue(Encoding.ASCII.GetBytes($" <{address}>\r\n"));
        return header;
    }

    private static MailboxAddress Recipient(string? address)
    {
        // Web has validated it, but anyone with the right may publish a command, and an operator may have edited one: it may be missing.
        return address is not null && !address.Any(char.IsControl)
            && MailboxAddress.TryParse(address, out var mailbox)
            && (mailbox.GetAddress(idnEncode: true) == address || mailbox.GetAddress(idnEncode: false) == address) // MimeKit decodes xn--
            && mailbox.Domain.Length > 0
                ? mailbox
                : throw new MailRefusedException("The command's EmailAddress is not a single bare address (name@example.com): no mail server could accept it");
    }

    // Quoted-printable, so that no line is too long and no trailing space is lost in transport.
    private static MultipartAlternative Body(SendGifEmail command, Gif gif, MailboxAddress sender, string neverAgain)
    {
        var text = new TextPart("plain") { Text = Text(command.Thought, gif, sender, neverAgain), ContentTransferEncoding = ContentEncoding.QuotedPrintable };
        var (source, image) = gif switch
        {
            CollectionGif own => Inline(own, $"{own.Name}.{command.SubmissionId:N}@{sender.Domain}"),
            GiphyGif giphy => (giphy.Url.AbsoluteUri, null),
            _ => throw new ArgumentException($"{gif.GetType().Name} is not a kind of GIF that a mail can contain", nameof(gif)),
        };
        var html = new TextPart("html") { Text = Html(command.Thought, gif, source, sender, neverAgain), ContentTransferEncoding = ContentEncoding.QuotedPrintable };
        return new MultipartAlternative(text, image is null ? html : new MultipartRelated { html, image });
    }

    private static (string Source, MimePart Image) Inline(CollectionGif gif, string contentId) => ($"cid:{contentId}", new EncodedGif(gif, contentId));

    /// <summary>Returns the thought on one line, cut between text elements. The result has no line break that could start another header.</summary>
    private static string Shorten(string thought)
    {
        var line = string.Join(' ', thought.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var elements = new StringInfo(line);
        return elements.LengthInTextElements <= LongestSubjectThought
            ? line
            : elements.SubstringByTextElements(0, LongestSubjectThought).TrimEnd() + "…";
    }

    // The text names a contact address: a mail with a GIF and no contact is rightly treated as spam.
    private static string Why(MailboxAddress sender) =>
        "You got this one mail because somebody gave your address to WorkinIt together with this thought. It is not a subscription. " +
        $"If you did not expect it, write to {sender.Address}, or stop all mail from WorkinIt with the link below.";

    /// <summary>Wraps text to lines that fit a terminal. A word that is longer than a line, such as an address, is not split.</summary>
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

    // The thought is not wrapped: mail programs wrap long lines themselves.
    private static string Text(string thought, Gif gif, MailboxAddress sender, string neverAgain) => $"""
        Your thought:

        {thought}

        {Wrap($"And its GIF: {gif.Alt}")}
        {(gif is GiphyGif giphy ? $"{giphy.Url.AbsoluteUri}\n({PoweredByGiphy})" : "(The picture is in the HTML part of this mail.)")}

        --{" "}
        {Wrap(Why(sender))}

        {Unsubscribe}:
        {neverAgain}

        """;

    // As entities, so that a mail program that guesses the wrong character set still shows it correctly.
    private static string Encode(string thought) =>
        string.Join("<br>", thought.Split('\n').Select(HtmlEncoder.Default.Encode));

    // Tables and inline styles, because all mail programs support them. The style element only adds dark mode and small screens. data-ogsb and
    // data-ogsc are for Outlook on the web, which does not support prefers-color-scheme. Outlook on Windows ignores max-width, shows unknown
    // fonts as Times and scales pictures by the screen's density; the conditional comments, which only it reads, correct that. SpamAssassin
    // penalizes a picture in HTML of 3,200 bytes or less; a test checks that this HTML is longer. The article element repeats language and
    // title, because a mail program uses only the content of the body.
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
        <p class="quiet" style="max-width:456px;margin:16px auto 0;padding:0 24px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:12px;line-height:18px;color:#6b6157;">{{HtmlEncoder.Default.Encode(Why(sender))}}<br><a class="quiet" href="{{HtmlEncoder.Default.Encode(neverAgain)}}" style="color:#6b6157;">{{Unsubscribe}}</a></p>
        </td></tr></table>
        </div>
        </body>
        </html>
        """;
}
