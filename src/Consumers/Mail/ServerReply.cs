using System.Text.RegularExpressions;
using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// The mail server's words go into faults, headers, logs and the management UI, where the recipient's address has no business.
/// Servers like to repeat it: "550 5.1.1 &lt;jane@example.com&gt;: user unknown".
/// </summary>
internal static partial class ServerReply
{
    private const int LongestReply = 500;

    /// <summary>The reply on one line, with the recipient and anything else like an address taken out.</summary>
    public static string Without(MailboxAddress recipient, string reply)
    {
        var line = string.Join(' ', reply.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var form in new[] { recipient.Address, MailboxAddress.EncodeAddrspec(recipient.Address), MailboxAddress.DecodeAddrspec(recipient.Address) })
            line = line.Replace(form, "[recipient]", StringComparison.OrdinalIgnoreCase);
        line = AddressLike().Replace(line, "[address]");
        var mailbox = recipient.LocalPart.Split('+')[0]; // what follows it is a tag, which servers leave out
        foreach (var name in new[] { recipient.LocalPart, mailbox }
            .Where(name => name.Length >= 3 && line.Contains(name, StringComparison.OrdinalIgnoreCase))) // shorter ones are parts of ordinary words
            line = Regex.Replace(line, $@"(?<!\w|\w\.){Regex.Escape(name)}(?!\w|\.\w)", "[recipient]", RegexOptions.IgnoreCase);
        return line.Length <= LongestReply ? line : line[..LongestReply] + " …";
    }

    [GeneratedRegex(@"[^\s<>()\[\]:;,""']+@[^\s<>()\[\]:;,""']+")]
    private static partial Regex AddressLike();
}
