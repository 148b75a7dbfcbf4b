using System.ComponentModel.DataAnnotations;
using MailKit.Security;
using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>The section <c>Smtp</c>: the mail server.</summary>
internal sealed class SmtpOptions : IValidatableObject
{
    [Required(ErrorMessage = "Smtp__Host is not set: the name of the mail server")]
    public string? Host { get; set; }

    [Range(1, 65535, ErrorMessage = "Smtp__Port must be from 1 to 65535")]
    public int Port { get; set; } = 587;

    [EnumDataType(typeof(SmtpSecurity), ErrorMessage = "Smtp__Security must be None, StartTls or Tls")]
    public SmtpSecurity Security { get; set; } = SmtpSecurity.StartTls;

    /// <summary>Null: no authentication.</summary>
    public string? Username { get; set; }

    public string? Password { get; set; }

    [Required(ErrorMessage = "Smtp__From is not set: the sender, for example WorkinIt <gifs@example.com>")]
    public string? From { get; set; }

    /// <summary>Simulates a slow mail server for the lesson: waits this long before each mail.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "Smtp__SimulatedDelay must be from 00:00:00 to 00:01:00")]
    public TimeSpan SimulatedDelay { get; set; }

    /// <summary>The maximum number of open connections, and so of mails sent concurrently.</summary>
    [Range(1, 256, ErrorMessage = "Smtp__Connections must be from 1 to 256")]
    public int Connections { get; set; } = 16;

    /// <summary>A connection that is idle for this long is closed, before the server closes it.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "Smtp__IdleTimeout must be from 00:00:01 to 00:10:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// For one mail, from connecting to the reply after the final dot. If the reply takes longer, it is unknown whether the server accepted the
    /// mail. Below 30 s, because an orderly stop waits that long for a mail that is being sent.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:25", ErrorMessage = "Smtp__SendTimeout must be from 00:00:01 to 00:00:25")]
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(25);

    internal MailboxAddress Sender => MailboxAddress.Parse(From!); // not public: the validation would read it before it has checked From

    public SecureSocketOptions SocketOptions => Security switch
    {
        SmtpSecurity.None => SecureSocketOptions.None,
        SmtpSecurity.StartTls => SecureSocketOptions.StartTls,
        _ => SecureSocketOptions.SslOnConnect,
    };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (From is not null && (!MailboxAddress.TryParse(From, out var sender) || !sender.Address.Contains('@', StringComparison.Ordinal)))
            yield return new ValidationResult("Smtp__From must be an email address, for example WorkinIt <gifs@example.com>");
        if (string.IsNullOrEmpty(Username) != string.IsNullOrEmpty(Password))
            yield return new ValidationResult("Smtp__Username and Smtp__Password must be set together: set both or neither");
    }
}

/// <summary>
/// How the connection to the mail server is encrypted. Opportunistic encryption is not offered: a man in the middle could suppress it.
/// </summary>
internal enum SmtpSecurity
{
    /// <summary>Not encrypted: for a mail catcher on this machine.</summary>
    None,

    /// <summary>STARTTLS, usually on port 587. No mail is sent without it.</summary>
    StartTls,

    /// <summary>TLS from the first byte, usually on port 465.</summary>
    Tls,
}
