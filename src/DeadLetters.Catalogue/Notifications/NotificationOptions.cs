using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using MimeKit;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Which messages about causes are sent, and where to.</summary>
public sealed record NotificationOptions
{
    /// <summary>The receivers. None: nothing is sent.</summary>
    public IReadOnlyList<NotificationReceiver> Receivers { get; init; } = [];

    /// <summary>The address of the pages in an operator's browser, such as <c>https://ops.example.com/dead-letters</c>. Null: messages contain no link.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>A cause with more failures than this in 5 minutes is a burst. At least 1.</summary>
    public int BurstFailures { get; init; } = 100;

    /// <summary>The mail server for receivers with a mailto: address; null if there are none.</summary>
    public MailServer? MailServer { get; init; }

    /// <summary>
    /// Reads <c>Notifications__0__Url</c>, <c>__Format</c>, <c>__Secret</c> and so on, <c>Notifications__PublicUrl</c> and <c>Notifications__BurstFailures</c>;
    /// with a mailto: address also <c>Smtp__Host</c>, <c>__From</c>, <c>__Port</c>, <c>__Security</c>, <c>__Username</c> and <c>__Password</c>.
    /// </summary>
    /// <param name="configuration">The settings.</param>
    /// <exception cref="OptionsValidationException">A setting is missing or not valid. The message names the setting and contains no secret.</exception>
    public static NotificationOptions FromSettings(IConfiguration configuration)
    {
        var section = configuration.GetSection("Notifications");
        var receivers = section.GetChildren().Where(child => int.TryParse(child.Key, CultureInfo.InvariantCulture, out _)).Select(Receiver).ToList();
        if (receivers.GroupBy(receiver => receiver.Url).FirstOrDefault(same => same.Count() > 1) is not null)
            throw Invalid("Notifications: two receivers have the same Url. Remove one of them");
        var publicUrl = section["PublicUrl"];
        var burst = section["BurstFailures"];
        return new NotificationOptions
        {
            Receivers = receivers,
            MailServer = receivers.FindIndex(receiver => receiver.Format == NotificationFormat.Mail) is >= 0 and var mail ? MailServer.FromSettings(configuration, $"Notifications__{mail}__Url") : null,
            PublicUrl = string.IsNullOrWhiteSpace(publicUrl) ? null
                : Web(publicUrl) ?? throw Invalid("Notifications__PublicUrl must be the http or https address of the dead-letter pages, such as https://ops.example.com/dead-letters"),
            BurstFailures = string.IsNullOrWhiteSpace(burst) ? 100
                : int.TryParse(burst, NumberStyles.None, CultureInfo.InvariantCulture, out var failures) && failures > 0 ? failures
                : throw Invalid("Notifications__BurstFailures must be a number of failures in 5 minutes, at least 1"),
        };
    }

    private static NotificationReceiver Receiver(IConfigurationSection section)
    {
        var name = section.Path.Replace(":", "__", StringComparison.Ordinal);
        var url = Web(section["Url"]) ?? Mail(section["Url"])
            ?? throw Invalid($"{name}__Url {(string.IsNullOrWhiteSpace(section["Url"]) ? "is not set" : "is not valid")}: an http or https address without user name and password, or mailto: and one email address");
        var format = Format(section["Format"], url) ?? throw Invalid($"{name}__Format must be json, slack or teams for a webhook, and mail or nothing for a mailto: address");
        var secret = section["Secret"] is { Length: > 0 } text ? text : null;
        if (secret is not null && format != NotificationFormat.Json)
            throw Invalid($"{name}__Secret: only messages with {name}__Format=json are signed. Slack, Teams and mail programs can't check a signature; remove the secret");
        if (secret is not null && WebhookSignature.Key(secret) is not { Length: >= WebhookSignature.ShortestKey })
            throw Invalid($"{name}__Secret must have at least {WebhookSignature.ShortestKey} characters, or be whsec_ and base64 of as many bytes. Create one with openssl rand -base64 32");
        return new NotificationReceiver(url) { Format = format, Secret = secret };
    }

    private static Uri? Web(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) && url.UserInfo.Length == 0 ? url : null;

    private static Uri? Mail(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && NotificationReceiver.MailboxOf(url) is not null ? url : null;

    private static NotificationFormat? Format(string? text, Uri url) => (text?.ToUpperInvariant(), url.Scheme == Uri.UriSchemeMailto) switch
    {
        (null or "" or "MAIL", true) => NotificationFormat.Mail,
        (null or "" or "JSON", false) => NotificationFormat.Json,
        ("SLACK", false) => NotificationFormat.Slack,
        ("TEAMS", false) => NotificationFormat.Teams,
        _ => null,
    };

    internal static OptionsValidationException Invalid(string failure) => new("Notifications", typeof(NotificationOptions), [failure]);
}

/// <summary>The form of a message.</summary>
public enum NotificationFormat
{
    /// <summary>WorkinIt's own JSON, signed if the receiver has a secret.</summary>
    Json,

    /// <summary>A message for an incoming webhook of Slack.</summary>
    Slack,

    /// <summary>An adaptive card for a webhook of Teams' Workflows.</summary>
    Teams,

    /// <summary>A mail, to a mailto: address.</summary>
    Mail,
}

/// <summary>A webhook or a mailbox that gets messages.</summary>
/// <param name="Url">Its address. For Slack and Teams it contains a key, and mailto: names a person, so it is never shown or logged.</param>
public sealed record NotificationReceiver(Uri Url)
{
    /// <summary>The form of the messages.</summary>
    public NotificationFormat Format { get; init; }

    /// <summary>The key of the signature; null: messages are not signed. For <see cref="NotificationFormat.Json"/> only.</summary>
    public string? Secret { get; init; }

    /// <summary>The receiver's name in the database.</summary>
    internal string Key { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Url.AbsoluteUri)).AsSpan(0, 16));

    /// <summary>What to call the receiver on a page and in a log.</summary>
    internal string Name => Mailbox is { } mailbox ? Masking.Text(mailbox.Address) + " (mail)" : $"{Url.Authority} ({Format.ToString().ToLowerInvariant()})";

    /// <summary>The mailbox of a mailto: address; null for a webhook.</summary>
    internal MailboxAddress? Mailbox => MailboxOf(Url);

    /// <summary>The name only: the address and the secret are keys.</summary>
    public override string ToString() => Name;

    internal static MailboxAddress? MailboxOf(Uri url) =>
        url.Scheme == Uri.UriSchemeMailto && url.Query.Length == 0 && MailboxAddress.TryParse(Uri.UnescapeDataString(url.AbsoluteUri["mailto:".Length..]), out var mailbox) && mailbox.Address.Contains('@', StringComparison.Ordinal) ? mailbox : null;
}
