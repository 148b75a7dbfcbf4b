using System.Text.RegularExpressions;
using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// Removes addresses from the mail server's replies, which go into faults, headers, logs and the management UI. The recipient's address must not
/// appear there, but servers often repeat it: "550 5.1.1 &lt;jane@example.com&gt;: user unknown".
/// </summary>
internal static partial class ServerReply
{
    private const int LongestReply = 500;

    /// <summary>Returns the reply on one line, with the recipient and anything that looks like an address replaced.</summary>
    public static string Without(MailboxAddress recipient, string reply)
    {
        var line = string.Join(' ', reply.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var form in new[] { recipient.Address, MailboxAddress.EncodeAddrspec(recipient.Address), MailboxAddress.DecodeAddrspec(recipient.Address) })
            line = line.Replace(form, "[recipient]", StringComparison.OrdinalIgnoreCase);
        line = AddressLike().Replace(line, "[address]");
        var mailbox = recipient.LocalPart.Split('+')[0]; // servers leave out the tag after the plus
        foreach (var name in new[] { recipient.LocalPart, mailbox }
            .Where(name => name.Length >= 3 && line.Contains(name, StringComparison.OrdinalIgnoreCase))) // shorter ones are parts of ordinary words
            line = Regex.Replace(line, $@"(?<!\w|\w\.){Regex.Escape(name)}(?!\w|\.\w)", "[recipient]", RegexOptions.IgnoreCase);
        return line.Length <= LongestReply ? line : line[..LongestReply] + " …";
    }

    [GeneratedRegex(@"[^\s<>()\[\]:;,""']+@[^\s<>()\[\]:;,""']+")]
    private static partial Regex AddressLike();
}
