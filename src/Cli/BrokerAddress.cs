using WorkinIt.DeadLetters;

namespace WorkinIt.Cli;

/// <summary>Where the broker is, from the command line or the environment.</summary>
/// <param name="Broker">The value of <c>--broker</c>; null: the environment names the broker.</param>
/// <param name="Management">The value of <c>--management</c>; null: the environment names the management API, or it is on the broker's host.</param>
internal sealed record BrokerAddress(string? Broker, string? Management)
{
    private const int ManagementPort = 15672;
    private const int ManagementTlsPort = 15671;

    private static readonly Uri _placeholder = new("http://localhost");

    /// <summary>Reads the address.</summary>
    /// <param name="ask">Asks for the connection string, if nothing names the broker.</param>
    /// <exception cref="WrongUsageException">It is invalid. The message contains no password.</exception>
    public DeadLetterOptions Read(Func<string> ask)
    {
        var (setting, connection) = Broker is not null ? ("--broker", Broker)
            : CommandContext.Setting("ConnectionStrings__DeadLetters") is { } own ? ("ConnectionStrings__DeadLetters", own)
            : ("ConnectionStrings__RabbitMq", CommandContext.Setting("ConnectionStrings__RabbitMq") ?? ask());
        DeadLetterOptions options;
        try
        {
            options = DeadLetterOptions.Parse(connection, _placeholder);
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"{setting}: {e.Message}");
        }
        return options with { Management = ReadManagement(options) };
    }

    /// <summary>Where RabbitMQ's management API usually is: on the host of the broker's first node, with TLS if the broker is used with TLS.</summary>
    public static Uri ManagementOf(DeadLetterOptions broker) => broker.Endpoints[0] is var node && node.Ssl.Enabled
        ? new UriBuilder(Uri.UriSchemeHttps, node.HostName, ManagementTlsPort).Uri
        : new UriBuilder(Uri.UriSchemeHttp, broker.Endpoints[0].HostName, ManagementPort).Uri;

    private Uri ReadManagement(DeadLetterOptions broker)
    {
        var (setting, url) = Management is not null ? ("--management", Management) : ("RabbitMqManagement__Url", CommandContext.Setting("RabbitMqManagement__Url"));
        if (url is null)
            return ManagementOf(broker);
        return Uri.TryCreate(url, UriKind.Absolute, out var management) && management.Scheme is "http" or "https" && management.UserInfo.Length == 0
            ? management
            : throw new WrongUsageException($"{setting} must be an http or https URL without a user, such as http://localhost:15672");
    }
}
