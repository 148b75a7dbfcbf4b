using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters;
using WorkinIt.Messaging;
using WorkinIt.Storage;

namespace WorkinIt.Web.SignIn;

/// <summary>What the dead-letter pages need: a RabbitMQ user to act as, the management API, and a file for the audit.</summary>
/// <param name="Broker">Where the broker is, and the user to act as.</param>
/// <param name="Management">The management API.</param>
/// <param name="ManagementUi">The same as an operator's browser reaches it.</param>
/// <param name="AuditFile">The audit log.</param>
/// <param name="Ledger">The delivery ledger; without it nobody here knows what was sent.</param>
internal sealed record DeadLetterSettings(DeadLetterOptions Broker, Uri Management, Uri ManagementUi, string AuditFile, Database? Ledger)
{
    private const string Connection = "ConnectionStrings__DeadLetters";
    private const string Url = "RabbitMqManagement__Url";

    /// <summary>Reads <c>ConnectionStrings__DeadLetters</c>, <c>RabbitMqManagement__Url</c> and the three that have defaults.</summary>
    /// <returns>Null where none of the first two is set: then there are no such pages.</returns>
    /// <exception cref="OptionsValidationException">One is missing beside the other, or can't be read; names the setting.</exception>
    public static DeadLetterSettings? Read(IConfiguration configuration)
    {
        var (connection, url) = (configuration.GetConnectionString("DeadLetters"), configuration["RabbitMqManagement:Url"]);
        if (string.IsNullOrWhiteSpace(connection) && string.IsNullOrWhiteSpace(url))
            return null;
        if (string.IsNullOrWhiteSpace(connection))
            throw Bad($"{Connection} is not set, and {Url} is: set both for the pages at /dead-letters, or none");
        if (string.IsNullOrWhiteSpace(url))
            throw Bad($"{Url} is not set, and {Connection} is: set both for the pages at /dead-letters, or none");
        if (!RabbitMqConnection.TryParse(connection, out _, out var error))
            throw Bad($"{Connection} can't be read: {error}");
        var management = Address(Url, url);
        var ui = configuration["RabbitMqManagement:PublicUrl"] is { Length: > 0 } publicUrl ? Address("RabbitMqManagement__PublicUrl", publicUrl) : management;
        return new DeadLetterSettings(DeadLetterOptions.Parse(connection, management) with { DiscardedLife = Life(configuration["DeadLetters:DiscardedLife"]), Names = Names(configuration["DeadLetters:Queues"]) }, management, ui, AuditPath(configuration),
            configuration.GetConnectionString("Deliveries") is { Length: > 0 } ? configuration.GetDatabase("Deliveries") : null);
    }

    private static TimeSpan Life(string? text) =>
        string.IsNullOrEmpty(text) ? DeadLetterOptions.UsualDiscardedLife
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var life) && life > TimeSpan.Zero && life <= DeadLetterOptions.LongestDiscardedLife ? life
        : throw Bad("DeadLetters__DiscardedLife must be a time as in 30.00:00:00 (30 days), at most 49.00:00:00");

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

    private static Uri Address(string setting, string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.UserInfo.Length == 0
            ? uri
            : throw Bad($"{setting} must be an address as in http://localhost:15672, without a user or a password");

    // Where the submissions are kept, for there it is writable and backed up.
    private static string AuditPath(IConfiguration configuration) =>
        configuration["DeadLetters:AuditFile"] is { Length: > 0 } file ? file
        : SqliteFile(configuration) is { } database ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(database))!, "dead-letters-audit.jsonl")
        : throw Bad("DeadLetters__AuditFile is not set: beside PostgreSQL it has to name the file of the dead letters' audit");

    private static string? SqliteFile(IConfiguration configuration) =>
        configuration.GetDatabase("Submissions").IsSqlite
            ? (string)new DbConnectionStringBuilder { ConnectionString = configuration.GetConnectionString("Submissions") }["Data Source"]
            : null;

    private static OptionsValidationException Bad(string failure) => new("DeadLetters", typeof(DeadLetterSettings), [failure]);
}
