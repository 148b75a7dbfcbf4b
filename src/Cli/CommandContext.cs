using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.Cli.Remote;
using WorkinIt.DeadLetters;
using WorkinIt.Storage;

namespace WorkinIt.Cli;

/// <summary>What every command needs: the broker connection from the settings, the operator's name, and the consoles to write to.</summary>
internal sealed class CommandContext : IAsyncDisposable
{
    private const int WideConsole = 200;

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly BrokerAccess? _broker;
    private readonly ServerClient? _server;

    private CommandContext(BrokerAccess? broker, ServerClient? server, string by, bool json)
    {
        (_broker, _server, By, Json) = (broker, server, by, json);
        Letters = NewLetters();
        if (!Out.Profile.Out.IsTerminal)
            Out.Profile.Width = WideConsole; // wide enough that ids are not wrapped
    }

    /// <summary>The dead letters: those of the broker, or of the server that the command line names.</summary>
    public IDeadLetters Letters { get; }

    /// <summary>Whether the command line names a server, so that there is no connection to the broker.</summary>
    public bool IsRemote => _server is not null;

    /// <summary>The address of the broker, the user to act as, and the names of the dead-letter queues.</summary>
    public DeadLetterOptions Options => Access.Options;

    public DeadLetterClient Broker => Access.Client;

    /// <summary>Knows what was sent; null without a ledger.</summary>
    public IReplayAdvisor? Advisor => Access.Advisor;

    /// <summary>The audit log.</summary>
    public CommandAudit Audit => Access.Audit;

    /// <summary>The operator's name, for the audit log. A server knows its users by their tokens.</summary>
    public string By { get; }

    /// <summary>Whether to write JSON, for scripts.</summary>
    public bool Json { get; }

    /// <summary>Whether the ledger is configured, so that the commands know which mails were sent. A server says itself what it did not check.</summary>
    public bool HasLedger => _broker is not { Advisor: null };

    private BrokerAccess Access => _broker ?? throw new WrongUsageException(ServerOptions.NeedsBroker);

    public IAnsiConsole Out { get; } = ConsoleOf(CommandHost.Current.Out);

    /// <summary>Standard error, for progress and questions, so that standard output can be piped.</summary>
    public IAnsiConsole Err { get; } = ConsoleOf(CommandHost.Current.Error);

    /// <summary>Reads the settings from the environment.</summary>
    /// <param name="by">The operator's name; null: from the environment.</param>
    /// <param name="json">Whether to write JSON.</param>
    /// <param name="address">The broker that the command line names; null: none.</param>
    /// <exception cref="WrongUsageException">A setting is missing or invalid.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The context disposes of it")]
    public static CommandContext Open(string? by, bool json, BrokerAddress? address = null) => new(
        BrokerAccess.Open(address ?? new BrokerAddress(null, null), PromptForConnection), null, by ?? Setting("WORKINIT_OPERATOR") ?? Environment.UserName, json);

    /// <summary>Reads the token from the environment.</summary>
    /// <param name="server">The server that the command line names.</param>
    /// <param name="json">Whether to write JSON.</param>
    /// <exception cref="WrongUsageException">The token is missing, or the address is invalid.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The context disposes of it")]
    public static CommandContext Open(ServerAddress server, bool json) => new(null, ServerClient.Open(server, PromptForToken), "", json);

    /// <summary>The dead letters as they are now: a server's list of queues is read once.</summary>
    /// <param name="acceptsCost">Whether a server may read a queue although that has a cost.</param>
    public IDeadLetters NewLetters(bool acceptsCost = true) => _server is null ? new BrokerDeadLetters(this) : new ServerDeadLetters(this, _server, acceptsCost);

    /// <summary>Writes a line to standard output, without wrapping it.</summary>
    public static void Print(string line) => CommandHost.Current.Out.WriteLine(Terminal.Clean(line));

    public static void WriteJson<T>(T value) => CommandHost.Current.Out.WriteLine(ToJson(value));

    public static string ToJson<T>(T value) => JsonSerializer.Serialize(value, _json);

    /// <summary>What is written to a console, as text.</summary>
    public static string Text(Action<IAnsiConsole> write)
    {
        using var text = new StringWriter();
        var console = ConsoleOf(text);
        console.Profile.Width = WideConsole;
        write(console);
        return text.ToString().TrimEnd();
    }

    /// <summary>The queue that the command works on: the named one, else the only non-empty one.</summary>
    /// <exception cref="NothingThereException">No queue has messages.</exception>
    /// <exception cref="NotFoundException">No queue has messages, and the command is about one dead letter.</exception>
    /// <exception cref="WrongUsageException">Several queues have messages.</exception>
    /// <exception cref="ServerException">A source of the server does not answer, so another queue may be meant.</exception>
    public async Task<string> QueueAsync(string? named, string suffix, CancellationToken cancellationToken, bool ofOneLetter = false)
    {
        if (named is not null)
            return named;
        var listed = await Letters.QueuesAsync(cancellationToken);
        if (Letters.IsPartial)
            throw new ServerException("A source of the server does not answer, so it is not known which queue is meant. Select one with --queue and --source; “list” names the source that does not answer", ExitCode.Unreachable);
        var queues = listed.Select(one => one.Queue).Where(queue => queue.Messages > 0 && Letters.IsMeant(queue, suffix)).ToList();
        return queues switch
        {
            [var only, .. var others] when others.All(other => other.Name == only.Name) => only.Name, // several sources of a server may have it
            [] when ofOneLetter => throw new NotFoundException($"Dead letter not found: no queue that ends in {suffix} has messages"),
            [] => throw new NothingThereException($"no queue that ends in {suffix} has messages"),
            _ => throw new WrongUsageException($"Several queues have messages. Select one with --queue: {string.Join(", ", queues.Select(queue => queue.Name))}"),
        };
    }

    /// <summary>Asks before reading a queue whose messages RabbitMQ hides for a while after they were read (delayed retry).</summary>
    public async Task ConfirmAccessAsync(string queue, bool yes, CancellationToken cancellationToken)
    {
        if (!yes && await Letters.FindQueueAsync(queue, cancellationToken) is { HidesReadMessages: true, Messages: > 0 } found && !Confirm($"{found.AccessWarning}. Read {queue} anyway?", yes))
            throw new WrongUsageException($"Nothing was read. To read {queue} without hiding its messages, set its delayed-retry-type to failed or disabled with a policy");
    }

    /// <summary>Asks for confirmation. Without a terminal, --yes is required.</summary>
    public bool Confirm(string question, bool yes)
    {
        if (yes)
            return true;
        if (!CommandHost.Current.IsInteractive)
            throw new WrongUsageException($"{question} No terminal to confirm on: pass --yes");
        return Err.Prompt(new ConfirmationPrompt(Terminal.Cell(question)) { DefaultValue = false });
    }

    public async ValueTask DisposeAsync()
    {
        _server?.Dispose();
        if (_broker is not null)
            await _broker.DisposeAsync();
    }

    /// <summary>A selection as text that every viewer may see.</summary>
    public static string Which(DeadLetterFilter filter) => filter.IsEmpty ? "all" : Masking.Filter(filter.ToString());

    /// <summary>Reads a database's connection string.</summary>
    /// <exception cref="WrongUsageException">It is invalid.</exception>
    public static Database ReadDatabase(string setting, string text) =>
        Database.TryParse(text, out var database, out var error) ? database : throw new WrongUsageException($"{setting} can't be read: {error}");

    // Not an option: every user of the machine can read a process's command line.
    private static string PromptForConnection() => CommandHost.Current.IsInteractive
        ? ConsoleOf(CommandHost.Current.Error).Prompt(new TextPrompt<string>("RabbitMQ (amqp://user:password@host:5672/vhost):").Secret())
        : throw new WrongUsageException("ConnectionStrings__RabbitMq is not set: set it to amqp://user:password@host:5672/vhost in the environment");

    private static string PromptForToken(Uri tokens) => CommandHost.Current.IsInteractive
        ? ConsoleOf(CommandHost.Current.Error).Prompt(new TextPrompt<string>($"Token (make one at {Terminal.Cell(tokens.ToString())}):").Secret())
        : throw new WrongUsageException($"{ServerOptions.TokenSetting} is not set: make a token at {tokens}, and set {ServerOptions.TokenSetting} to it in the environment");

    private static IAnsiConsole ConsoleOf(TextWriter writer)
    {
        var output = new AnsiConsoleOutput(writer);
        return AnsiConsole.Create(output.IsTerminal
            ? new AnsiConsoleSettings { Out = output }
            : new AnsiConsoleSettings { Out = output, Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
    }

    /// <summary>A setting from the environment; null if it is not set or empty.</summary>
    public static string? Setting(string name) => CommandHost.Current.Variable(name) is { Length: > 0 } value ? value : null;
}
