using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.Messaging;
using WorkinIt.Storage;

namespace WorkinIt.SignIn;

/// <summary>The settings of the dead-letter pages: a RabbitMQ user to act as, the management API, and the audit file.</summary>
/// <param name="Broker">The address of the broker, and the user to act as.</param>
/// <param name="Management">The URL of the management API.</param>
/// <param name="ManagementUi">The URL at which an operator's browser reaches the management UI.</param>
/// <param name="AuditFile">The path of the audit log. With a catalogue, the audit log is in its database, and this is the file from before; null if there was none.</param>
/// <param name="Ledger">The delivery ledger; if null, the pages can't show what was sent.</param>
/// <param name="Catalogue">The catalogue of dead letters; if null, the pages read the queues.</param>
internal sealed record DeadLetterSettings(DeadLetterOptions Broker, Uri Management, Uri ManagementUi, string? AuditFile, Database? Ledger, CatalogueOptions? Catalogue)
{
    /// <summary>More virtual hosts.</summary>
    public IReadOnlyList<SourceSettings> Sources { get; private init; } = [];

    /// <summary>How many requests per minute a token of the HTTP API may send to an instance.</summary>
    public int TokenRequestsPerMinute { get; private init; }

    private const string Connection = "ConnectionStrings__DeadLetters";
    private const string Url = "RabbitMqManagement__Url";

    /// <summary>Reads <c>ConnectionStrings__DeadLetters</c>, <c>RabbitMqManagement__Url</c> and the settings that have defaults.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="database">The name of the application's database. The default audit file is beside it, if it is a SQLite file.</param>
    /// <returns>Null if neither of these two is set: then there are no dead-letter pages.</returns>
    /// <exception cref="OptionsValidationException">Only one of the two is set, or a setting can't be read. The message names the setting.</exception>
    public static DeadLetterSettings? Read(IConfiguration configuration, string database = "Submissions")
    {
        var (connection, url) = (configuration.GetConnectionString("DeadLetters"), configuration["RabbitMqManagement:Url"]);
        if (string.IsNullOrWhiteSpace(connection) && string.IsNullOrWhiteSpace(url))
            return SourceSettings.AreSet(configuration) ? throw Bad($"DeadLetters__Sources is set, but {Connection} is not. The first source is set by {Connection} and {Url}") : null;
        if (string.IsNullOrWhiteSpace(connection))
            throw Bad($"{Connection} is not set, but {Url} is. Set both to enable the pages at /dead-letters, or neither");
        if (string.IsNullOrWhiteSpace(url))
            throw Bad($"{Url} is not set, but {Connection} is. Set both to enable the pages at /dead-letters, or neither");
        if (!RabbitMqConnection.TryParse(connection, out _, out var error))
            throw Bad($"{Connection} can't be read: {error}");
        var management = Address(Url, url);
        var ui = configuration["RabbitMqManagement:PublicUrl"] is { Length: > 0 } publicUrl ? Address("RabbitMqManagement__PublicUrl", publicUrl) : management;
        var options = DeadLetterOptions.Parse(connection, management) with
        {
            DiscardedLife = Life(configuration["DeadLetters:DiscardedLife"]),
            OutcomeWait = OutcomeWait(configuration["DeadLetters:OutcomeWait"]),
            Names = Names(configuration["DeadLetters:Queues"]),
        };
        return new DeadLetterSettings(options, management, ui, AuditPath(configuration, database),
            configuration.GetConnectionString("Deliveries") is { Length: > 0 } ? configuration.GetDatabase("Deliveries") : null,
            CatalogueSettings.Read(configuration))
        {
            Sources = SourceSettings.Read(configuration, options),
            TokenRequestsPerMinute = Requests(configuration["DeadLetters:TokenRequestsPerMinute"]),
        };
    }

    private static TimeSpan Life(string? text) =>
        string.IsNullOrEmpty(text) ? DeadLetterOptions.UsualDiscardedLife
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var life) && life > TimeSpan.Zero && life <= DeadLetterOptions.LongestDiscardedLife ? life
        : throw Bad("DeadLetters__DiscardedLife must be a time such as 30.00:00:00 (30 days), at most 49.00:00:00");

    private static TimeSpan OutcomeWait(string? text) =>
        string.IsNullOrEmpty(text) ? TimeSpan.FromMinutes(1)
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var wait) && wait > TimeSpan.Zero && wait <= TimeSpan.FromDays(1) ? wait
        : throw Bad("DeadLetters__OutcomeWait must be a time such as 00:05:00 (5 minutes), at most 1.00:00:00");

    private static int Requests(string? text) =>
        string.IsNullOrEmpty(text) ? 600
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 ? number
        : throw Bad("DeadLetters__TokenRequestsPerMinute must be a whole number of at least 1, such as 600");

    private static DeadLetterQueueNames Names(string? patterns)
    {
        try
        {
            return DeadLetterQueueNames.Parse(patterns);
        }
        catch (FormatException e)
        {
            throw Bad($"DeadLetters__Queues: {e.Message}. Write {DeadLetterQueueNames.Form}");
        }
    }

    internal static Uri Address(string setting, string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.UserInfo.Length == 0
            ? uri
            : throw Bad($"{setting} must be a URL such as http://localhost:15672, without a user or a password");

    // Default: beside the application's database, because that folder is writable and backed up.
    private static string? AuditPath(IConfiguration configuration, string database) =>
        configuration["DeadLetters:AuditFile"] is { Length: > 0 } file ? file
        : SqliteFile(configuration, database) is { } beside ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(beside))!, "dead-letters-audit.jsonl")
        : CatalogueSettings.Read(configuration) is not null ? null
        : throw Bad("DeadLetters__AuditFile is not set. With PostgreSQL there is no default: set ConnectionStrings__Catalogue, and the audit log is in its database, or set it to the path of the audit file of the dead-letter pages");

    private static string? SqliteFile(IConfiguration configuration, string database) =>
        configuration.GetDatabase(database).IsSqlite
            ? (string)new DbConnectionStringBuilder { ConnectionString = configuration.GetConnectionString(database) }["Data Source"]
            : null;

    internal static OptionsValidationException Bad(string failure) => new("DeadLetters", typeof(DeadLetterSettings), [failure]);
}
