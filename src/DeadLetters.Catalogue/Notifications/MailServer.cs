using System.Globalization;
using MailKit.Security;
using Microsoft.Extensions.Configuration;
using MimeKit;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>The mail server that sends notifications to receivers with a mailto: address.</summary>
/// <param name="Host">Its name or address.</param>
/// <param name="From">The sender, such as <c>Dead letters &lt;alerts@example.com&gt;</c>.</param>
public sealed record MailServer(string Host, string From)
{
    /// <summary>Its port.</summary>
    public int Port { get; init; } = 587;

    /// <summary>How the connection is encrypted.</summary>
    public MailSecurity Security { get; init; } = MailSecurity.StartTls;

    /// <summary>The user of the login; null: no login.</summary>
    public string? Username { get; init; }

    /// <summary>The password of the login.</summary>
    public string? Password { get; init; }

    internal SecureSocketOptions SocketOptions => Security switch
    {
        MailSecurity.None => SecureSocketOptions.None,
        MailSecurity.StartTls => SecureSocketOptions.StartTls,
        _ => SecureSocketOptions.SslOnConnect,
    };

    /// <summary>The name only: the password is secret.</summary>
    public override string ToString() => Host;

    /// <summary>Reads <c>Smtp__Host</c>, <c>__Port</c>, <c>__Security</c>, <c>__Username</c>, <c>__Password</c> and <c>__From</c>.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="receiver">The setting of the receiver that needs the mail server.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting is missing or not valid.</exception>
    internal static MailServer FromSettings(IConfiguration configuration, string receiver)
    {
        var section = configuration.GetSection("Smtp");
        var host = Text("Host") ?? throw NotificationOptions.Invalid($"{receiver} is a mail address, so Smtp__Host must be set: the name of the mail server");
        var from = Text("From") ?? throw NotificationOptions.Invalid($"{receiver} is a mail address, so Smtp__From must be set: the sender, for example Dead letters <alerts@example.com>");
        if (!MailboxAddress.TryParse(from, out var sender) || !sender.Address.Contains('@', StringComparison.Ordinal))
            throw NotificationOptions.Invalid("Smtp__From must be an email address, for example Dead letters <alerts@example.com>");
        var server = new MailServer(host, from)
        {
            Port = Text("Port") is not { } port ? 587
                : int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 65535 ? number
                : throw NotificationOptions.Invalid("Smtp__Port must be from 1 to 65535"),
            Security = Text("Security") is not { } security ? MailSecurity.StartTls
                : Enum.TryParse<MailSecurity>(security, ignoreCase: true, out var value) && Enum.IsDefined(value) ? value
                : throw NotificationOptions.Invalid("Smtp__Security must be None, StartTls or Tls"),
            Username = Text("Username"),
            Password = Text("Password"),
        };
        return server.Username is null == server.Password is null
            ? server
            : throw NotificationOptions.Invalid("Smtp__Username and Smtp__Password must be set together: set both or neither");

        string? Text(string name) => section[name] is { Length: > 0 } text ? text : null;
    }
}

/// <summary>How the connection to the mail server is encrypted.</summary>
public enum MailSecurity
{
    /// <summary>Not encrypted: for a mail server on the same machine.</summary>
    None,

    /// <summary>STARTTLS, usually on port 587. No mail is sent without it.</summary>
    StartTls,

    /// <summary>TLS from the first byte, usually on port 465.</summary>
    Tls,
}
