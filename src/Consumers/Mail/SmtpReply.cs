using MailKit.Net.Smtp;
using MailKit.Security;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// What a reply means. The first digit decides (RFC 5321, 4.2 and 4.3.2): a server may say 251 where 250 is usual, and a client has to
/// know no other digit.
/// </summary>
internal enum SmtpReply
{
    /// <summary>1xx, 3xx in the wrong place, or no code at all: neither yes nor no.</summary>
    Unclear,

    /// <summary>2xx.</summary>
    Yes,

    /// <summary>4xx: later, perhaps.</summary>
    Later,

    /// <summary>5xx.</summary>
    No,
}

/// <summary>Reads codes.</summary>
internal static class SmtpReplies
{
    public static SmtpReply Meaning(this SmtpStatusCode code) => ((int)code / 100) switch
    {
        2 => SmtpReply.Yes,
        4 => SmtpReply.Later,
        5 => SmtpReply.No,
        _ => SmtpReply.Unclear,
    };

    /// <summary>Whether an attempt to connect ended by the server's word that it should be made later: 421 for too many connections, for instance.</summary>
    /// <param name="failure">How it ended.</param>
    /// <param name="last">The last code that the server sent; after a 421 to EHLO, MailKit asks by HELO and sees only a connection that was closed.</param>
    public static bool IsPutOff(Exception failure, SmtpStatusCode? last) => failure switch
    {
        SmtpCommandException e => e.StatusCode.Meaning() == SmtpReply.Later,
        AuthenticationException { InnerException: SmtpCommandException e } => e.StatusCode.Meaning() == SmtpReply.Later,
        SmtpProtocolException or IOException => last?.Meaning() == SmtpReply.Later,
        _ => false,
    };
}
