using System.CommandLine;
using System.CommandLine.Parsing;

namespace WorkinIt.Cli.Remote;

/// <summary>The options that name a server, whose HTTP API the command then uses instead of a broker.</summary>
internal static class ServerOptions
{
    /// <summary>The setting with the token. Not an option: every user of the machine can read a process's command line.</summary>
    public const string TokenSetting = "WORKINIT_TOKEN";

    /// <summary>What to do if a command works only with the broker.</summary>
    public const string NeedsBroker = "This does not work through a server's API. Leave out --server, and set ConnectionStrings__RabbitMq to amqp://user:password@host:5672/vhost in the environment";

    private const string Server = "--server";
    private const string Source = "--source";
    private const string AllowHttp = "--allow-http";

    /// <summary>Adds the options to all verbs below a command.</summary>
    public static void AddTo(Command command)
    {
        command.Add(new Option<string?>(Server) { Description = $"Use the API of the pages at this address instead of a broker, with the token in {TokenSetting}", HelpName = "URL", Recursive = true });
        command.Add(new Option<string?>(Source) { Description = "With --server: the source of the queue, if the server has several virtual hosts", HelpName = "NAME", Recursive = true });
        command.Add(new Option<bool>(AllowHttp) { Description = "With --server: send the token unencrypted to another machine", Recursive = true });
    }

    /// <summary>The server that the command line names; null: none.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="by">The option with the operator's name.</param>
    /// <param name="needsBroker">Whether the command works only with the broker.</param>
    /// <exception cref="WrongUsageException">The options do not fit together, or the address is invalid.</exception>
    public static ServerAddress? Read(ParseResult parsed, Option<string?> by, bool needsBroker)
    {
        if (Value(parsed, Server) is not { } url)
        {
            return Value(parsed, Source) is null && !IsSet(parsed, AllowHttp) ? null
                : throw new WrongUsageException($"{Source} and {AllowHttp} need {Server}");
        }
        if (needsBroker)
            throw new WrongUsageException(NeedsBroker);
        if (parsed.GetValue(by) is not null)
            throw new WrongUsageException($"{by.Name} and {Server} can't be combined: the audit log of the server names the token");
        return ServerAddress.Parse(url, Value(parsed, Source), IsSet(parsed, AllowHttp));
    }

    private static string? Value(ParseResult parsed, string name) => (parsed.GetResult(name) as OptionResult)?.GetValueOrDefault<string?>();

    private static bool IsSet(ParseResult parsed, string name) => (parsed.GetResult(name) as OptionResult)?.GetValueOrDefault<bool>() ?? false;
}
