using MailKit.Net.Smtp;
using MailKit.Security;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// What a reply means. Only the first digit decides (RFC 5321, 4.2 and 4.3.2): a server may say 251 where 250 is usual, and a client need not
/// know the other digits.
/// </summary>
internal enum SmtpReply
{
    /// <summary>1xx, 3xx in the wrong place, or no code at all: neither positive nor negative.</summary>
    Unclear,

    /// <summary>2xx.</summary>
    Yes,

    /// <summary>4xx: a later try may succeed.</summary>
    Later,

    /// <summary>5xx.</summary>
    No,
}

/// <summary>Interprets reply codes.</summary>
internal static class SmtpReplies
{
    public static SmtpReply Meaning(this SmtpStatusCode code) => ((int)code / 100) switch
    {
        2 => SmtpReply.Yes,
        4 => SmtpReply.Later,
        5 => SmtpReply.No,
        _ => SmtpReply.Unclear,
    };

    /// <summary>Whether the server refused a connection only for now, for example with 421 for too many connections.</summary>
    /// <param name="failure">The exception from connecting.</param>
    /// <param name="last">
    /// The last code that the server sent. It is needed because after a 421 to EHLO, MailKit sends HELO and reports only a closed connection.
    /// </param>
    public static bool IsPutOff(Exception failure, SmtpStatusCode? last) => failure switch
    {
        SmtpCommandException e => e.StatusCode.Meaning() == SmtpReply.Later,
        AuthenticationException { InnerException: SmtpCommandException e } => e.StatusCode.Meaning() == SmtpReply.Later,
        SmtpProtocolException or IOException => last?.Meaning() == SmtpReply.Later,
        _ => false,
    };
}
