using WorkinIt.DeadLetters;

namespace WorkinIt.Cli;

/// <summary>Where the broker is, from the command line or the environment.</summary>
/// <param name="Broker">The value of <c>--broker</c>; null: the environment names the broker.</param>
/// <param name="Management">The value of <c>--management</c>; null: the environment names the management API, or it is on the broker's host.</param>
internal sealed record BrokerAddress(string? Broker, string? Management)
{
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
            options = DeadLetterOptions.Parse(connection);
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"{setting}: {e.Message}");
        }
        return options with { Management = ReadManagement(options) };
    }

    private Uri ReadManagement(DeadLetterOptions broker)
    {
        var (setting, url) = Management is not null ? ("--management", Management) : ("RabbitMqManagement__Url", CommandContext.Setting("RabbitMqManagement__Url"));
        if (url is null)
            return broker.Management;
        return Uri.TryCreate(url, UriKind.Absolute, out var management) && management.Scheme is "http" or "https" && management.UserInfo.Length == 0
            ? management
            : throw new WrongUsageException($"{setting} must be an http or https URL without a user, such as http://localhost:15672");
    }
}
