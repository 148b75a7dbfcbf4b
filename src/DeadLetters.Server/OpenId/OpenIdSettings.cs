using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>The settings of the sign-in with OpenID Connect, <c>OpenIdConnect__*</c>.</summary>
/// <param name="Authority">The issuer. HTTPS, except on this machine.</param>
/// <param name="ClientId">The id of this server at the issuer.</param>
/// <param name="ClientSecret">Its secret; null for a public client.</param>
internal sealed record OpenIdSettings(Uri Authority, string ClientId, string? ClientSecret)
{
    private const string Section = "OpenIdConnect";

    private static readonly string[] _known = ["Authority", "ClientId", "ClientSecret", "Scopes", "GroupsClaim", "ViewGroups", "OperateGroups"];

    /// <summary>The scopes to ask for.</summary>
    public IReadOnlyList<string> Scopes { get; private init; } = ["openid", "profile"];

    /// <summary>The claim that has the groups of a user.</summary>
    public string GroupsClaim { get; private init; } = "groups";

    /// <summary>Members may view.</summary>
    public IReadOnlyList<string> ViewGroups { get; private init; } = [];

    /// <summary>Members may view and act.</summary>
    public IReadOnlyList<string> OperateGroups { get; private init; } = [];

    /// <summary>Reads the settings.</summary>
    /// <returns>Null if none is set: then RabbitMQ's users sign in.</returns>
    /// <exception cref="OptionsValidationException">A setting is missing, unknown or invalid. The message names it.</exception>
    public static OpenIdSettings? Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var set = section.GetChildren().Where(setting => !string.IsNullOrWhiteSpace(setting.Value) || setting.GetChildren().Any()).Select(setting => setting.Key).ToList();
        if (set.Count == 0)
            return null;
        if (set.Find(name => !_known.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw Bad(unknown, $"is not a setting. The settings are {string.Join(", ", _known)}");
        var settings = new OpenIdSettings(Issuer(section["Authority"]), Required(section, "ClientId", "the id of this server at the issuer"), Text(section["ClientSecret"]))
        {
            Scopes = [.. Words(section["Scopes"], ' ').DefaultIfEmpty("profile").Prepend("openid").Distinct(StringComparer.Ordinal)],
            GroupsClaim = Text(section["GroupsClaim"]) ?? "groups",
            ViewGroups = Words(section["ViewGroups"], ','),
            OperateGroups = Words(section["OperateGroups"], ','),
        };
        return settings.ViewGroups.Count + settings.OperateGroups.Count > 0
            ? settings
            : throw Bad("ViewGroups", $"and {Section}__OperateGroups are not set, so nobody could sign in: set one of them to the names of groups, separated by commas");
    }

    private static Uri Issuer(string? text) => Text(text) switch
    {
        null => throw Bad("Authority", "is not set, but other settings of OpenID Connect are: set it to the address of the issuer, such as https://id.example.com/realms/team"),
        var address when Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.UserInfo.Length == 0 && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)) => uri,
        _ => throw Bad("Authority", "must be the address of the issuer, such as https://id.example.com/realms/team. Only an issuer on this machine may have http://"),
    };

    private static string Required(IConfigurationSection section, string name, string form) => Text(section[name]) ?? throw Bad(name, $"is not set: set it to {form}");

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static string[] Words(string? text, char separator) => (text ?? "").Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static OptionsValidationException Bad(string name, string problem) => new(Section, typeof(OpenIdSettings), [$"{Section}__{name} {problem}"]);
}
