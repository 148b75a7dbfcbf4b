using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.DeliveryAdvice;
using WorkinIt.Storage;

namespace WorkinIt.Cli;

/// <summary>What every command needs: the broker connection from the settings, the operator's name, and the consoles to write to.</summary>
internal sealed class CommandContext : IAsyncDisposable
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly GroupCommit? _writer;

    private CommandContext(DeadLetterOptions options, CommandAudit audit, IReplayAdvisor? advisor, GroupCommit? writer, string by, bool json)
    {
        Broker = new DeadLetterClient(options, audit.Log, advisor);
        (Options, Advisor) = (options, advisor);
        (_writer, Audit, By, Json, HasLedger) = (writer, audit, by, json, advisor is not null);
        if (CommandHost.Current.IsOutRedirected)
            Out.Profile.Width = 200; // not a terminal: wide enough that ids are not wrapped
    }

    /// <summary>The address of the broker, the user to act as, and the names of the dead-letter queues.</summary>
    public DeadLetterOptions Options { get; }

    public DeadLetterClient Broker { get; }

    /// <summary>Knows what was sent; null without a ledger.</summary>
    public IReplayAdvisor? Advisor { get; }

    /// <summary>The audit log.</summary>
    public CommandAudit Audit { get; }

    /// <summary>The operator's name, for the audit log.</summary>
    public string By { get; }

    /// <summary>Whether to write JSON, for scripts.</summary>
    public bool Json { get; }

    /// <summary>Whether the ledger is configured, so that the commands know which mails were sent.</summary>
    public bool HasLedger { get; }

    public IAnsiConsole Out { get; } = ConsoleOf(CommandHost.Current.Out);

    /// <summary>Standard error, for progress and questions, so that standard output can be piped.</summary>
    public IAnsiConsole Err { get; } = ConsoleOf(CommandHost.Current.Error);

    /// <summary>Reads the settings from the environment.</summary>
    /// <param name="by">The operator's name; null: from the environment.</param>
    /// <param name="json">Whether to write JSON.</param>
    /// <param name="address">The broker that the command line names; null: none.</param>
    /// <exception cref="WrongUsageException">A setting is missing or invalid.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The context disposes of the audit log")]
    public static CommandContext Open(string? by, bool json, BrokerAddress? address = null)
    {
        var options = (address ?? new BrokerAddress(null, null)).Read(PromptForConnection);
        options = options with { Names = ReadNames() };
        if (Setting("DeadLetters__DiscardedLife") is { } life)
        {
            options = options with
            {
                DiscardedLife = TimeSpan.TryParse(life, CultureInfo.InvariantCulture, out var span) && span > TimeSpan.Zero && span <= DeadLetterOptions.LongestDiscardedLife
                    ? span
                    : throw new WrongUsageException("DeadLetters__DiscardedLife must be a duration such as 30.00:00:00 (30 days), at most 49.00:00:00"),
            };
        }
        var (advisor, writer) = ReadLedger(options);
        var auditFile = Setting("DeadLetters__AuditFile") ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "workinit", "audit.jsonl");
        var catalogue = Setting(CommandAudit.Setting) is { } database ? ReadDatabase(CommandAudit.Setting, database) : null;
        var audit = new CommandAudit(auditFile, catalogue);
        return new CommandContext(options, audit, advisor, writer, by ?? Setting("WORKINIT_OPERATOR") ?? Environment.UserName, json);
    }

    /// <summary>Writes a line to standard output, without wrapping it.</summary>
    public static void Print(string line) => CommandHost.Current.Out.WriteLine(Terminal.Clean(line));

    public static void WriteJson<T>(T value) => CommandHost.Current.Out.WriteLine(JsonSerializer.Serialize(value, _json));

    /// <summary>The queue that the command works on: the named one, else the only non-empty one.</summary>
    /// <exception cref="NothingThereException">No queue has messages.</exception>
    /// <exception cref="NotFoundException">No queue has messages, and the command is about one dead letter.</exception>
    /// <exception cref="WrongUsageException">Several queues have messages.</exception>
    public async Task<string> QueueAsync(string? named, string suffix, CancellationToken cancellationToken, bool ofOneLetter = false)
    {
        if (named is not null)
            return named;
        var queues = (await Broker.FindQueuesAsync(cancellationToken)).Where(queue => queue.Messages > 0 && IsMeant(queue)).ToList();
        return queues switch
        {
            [var only] => only.Name,
            [] when ofOneLetter => throw new NotFoundException($"Dead letter not found: no queue that ends in {suffix} has messages"),
            [] => throw new NothingThereException($"no queue that ends in {suffix} has messages"),
            _ => throw new WrongUsageException($"Several queues have messages. Select one with --queue: {string.Join(", ", queues.Select(queue => queue.Name))}"),
        };

        // Failed messages may also be in queues with other names: those that DeadLetters__Queues adds.
        bool IsMeant(DeadLetterQueue queue) => suffix == "_error" ? Options.Names.IsError(queue.Name) : queue.Name.EndsWith(suffix, StringComparison.Ordinal);
    }

    /// <summary>Asks before reading a queue whose messages RabbitMQ hides for a while after they were read (delayed retry).</summary>
    public async Task ConfirmAccessAsync(string queue, bool yes, CancellationToken cancellationToken)
    {
        if (!yes && await Broker.FindQueueAsync(queue, cancellationToken) is { HidesReadMessages: true, Messages: > 0 } found && !Confirm($"{found.AccessWarning}. Read {queue} anyway?", yes))
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
        Broker.Dispose();
        await Audit.DisposeAsync();
        if (_writer is not null)
            await _writer.DisposeAsync();
    }

    private static DeadLetterQueueNames ReadNames()
    {
        try
        {
            return DeadLetterQueueNames.Parse(Setting("DeadLetters__Queues"));
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"DeadLetters__Queues: {e.Message}. Use {DeadLetterQueueNames.Form}");
        }
    }

    private static (IReplayAdvisor? Advisor, GroupCommit? Writer) ReadLedger(DeadLetterOptions options)
    {
        if (Setting("ConnectionStrings__Deliveries") is not { } ledger)
            return (null, null);
        var database = ReadDatabase("ConnectionStrings__Deliveries", ledger);
        var writer = new GroupCommit(database);
        return (new DeliveryAdvisor(new DeliveryLedger(database, writer, TimeProvider.System), new StatusNotice(options)), writer);
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
