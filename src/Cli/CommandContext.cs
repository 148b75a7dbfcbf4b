using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.DeliveryAdvice;
using WorkinIt.Storage;

namespace WorkinIt.Cli;

/// <summary>What each command works with: the broker of the settings, the person, and where to write.</summary>
internal sealed class CommandContext : IAsyncDisposable
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly GroupCommit? _writer;
    private readonly DeadLetterQueueNames _names;

    private CommandContext(DeadLetterOptions options, AuditFile audit, IReplayAdvisor? advisor, GroupCommit? writer, string by, bool json)
    {
        Broker = new DeadLetterClient(options, audit, advisor);
        _names = options.Names;
        (_writer, Audit, By, Json, HasLedger) = (writer, audit, by, json, advisor is not null);
        if (Console.IsOutputRedirected)
            Out.Profile.Width = 200; // nobody's terminal: ids stay whole
    }

    public DeadLetterClient Broker { get; }

    /// <summary>The audit log.</summary>
    public AuditFile Audit { get; }

    /// <summary>The person, for the audit log.</summary>
    public string By { get; }

    /// <summary>Whether to write for a script.</summary>
    public bool Json { get; }

    /// <summary>Whether it is known what was sent.</summary>
    public bool HasLedger { get; }

    public IAnsiConsole Out { get; } = AnsiConsole.Console;

    /// <summary>For progress and questions, so that the output can be piped.</summary>
    public IAnsiConsole Err { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public static bool IsInteractive => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Reads the settings out of the environment.</summary>
    /// <exception cref="WrongUsageException">One is missing or wrong.</exception>
    public static CommandContext Open(string? by, bool json)
    {
        var setting = Setting("ConnectionStrings__DeadLetters") is null ? "ConnectionStrings__RabbitMq" : "ConnectionStrings__DeadLetters";
        var connection = Setting(setting) ?? PromptForConnection();
        if (!Uri.TryCreate(Setting("RabbitMqManagement__Url") ?? "http://localhost:15672", UriKind.Absolute, out var management) || management.Scheme is not ("http" or "https"))
            throw new WrongUsageException("RabbitMqManagement__Url must be an address as in http://localhost:15672");
        DeadLetterOptions options;
        try
        {
            options = DeadLetterOptions.Parse(connection, management);
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"{setting}: {e.Message}");
        }
        options = options with { Names = ReadNames() };
        if (Setting("DeadLetters__DiscardedLife") is { } life)
        {
            options = options with
            {
                DiscardedLife = TimeSpan.TryParse(life, CultureInfo.InvariantCulture, out var span) && span > TimeSpan.Zero && span <= DeadLetterOptions.LongestDiscardedLife
                    ? span
                    : throw new WrongUsageException("DeadLetters__DiscardedLife must be a time as in 30.00:00:00 (30 days), at most 49.00:00:00"),
            };
        }
        var (advisor, writer) = Advisor(options);
        var audit = new AuditFile(Setting("DeadLetters__AuditFile") ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "workinit", "audit.jsonl"));
        return new CommandContext(options, audit, advisor, writer, by ?? Setting("WORKINIT_OPERATOR") ?? Environment.UserName, json);
    }

    /// <summary>Writes a line that is not wrapped.</summary>
    public static void Print(string line) => Console.Out.WriteLine(Terminal.Clean(line));

    public static void WriteJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, _json));

    /// <summary>The queue of the command: the one that was named, or the only one that holds something.</summary>
    /// <exception cref="NothingThereException">None holds anything.</exception>
    /// <exception cref="WrongUsageException">Several do.</exception>
    public async Task<string> QueueAsync(string? named, string suffix, CancellationToken cancellationToken, bool ofOneLetter = false)
    {
        if (named is not null)
            return named;
        var queues = (await Broker.FindQueuesAsync(cancellationToken)).Where(queue => queue.Messages > 0 && IsMeant(queue)).ToList();
        return queues switch
        {
            [var only] => only.Name,
            [] when ofOneLetter => throw new WrongUsageException($"No queue ending in {suffix} holds anything, so there is no such dead letter"),
            [] => throw new NothingThereException($"No queue ending in {suffix} holds anything"),
            _ => throw new WrongUsageException($"Say which one by --queue: {string.Join(", ", queues.Select(queue => queue.Name))}"),
        };

        // What failed may be in queues of other names: all that DeadLetters__Queues adds.
        bool IsMeant(DeadLetterQueue queue) => suffix == "_error" ? _names.IsError(queue.Name) : queue.Name.EndsWith(suffix, StringComparison.Ordinal);
    }

    /// <summary>Asks before a look that would hide what is looked at.</summary>
    public async Task ConfirmAccessAsync(string queue, bool yes, CancellationToken cancellationToken)
    {
        if (!yes && await Broker.FindQueueAsync(queue, cancellationToken) is { HidesReadMessages: true, Messages: > 0 } found && !Confirm($"{found.AccessWarning}. Look into {queue} all the same?", yes))
            throw new WrongUsageException($"Nothing was looked at. Set the delayed-retry-type of {queue} to failed or disabled by a policy, and looking hides nothing");
    }

    /// <summary>Asks before something is done; without a terminal the answer has to be --yes.</summary>
    public bool Confirm(string question, bool yes)
    {
        if (yes)
            return true;
        if (!IsInteractive)
            throw new WrongUsageException($"{question} Nobody can be asked here: say --yes");
        return Err.Prompt(new ConfirmationPrompt(Terminal.Cell(question)) { DefaultValue = false });
    }

    public async ValueTask DisposeAsync()
    {
        Broker.Dispose();
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
            throw new WrongUsageException($"DeadLetters__Queues: {e.Message}. Write {DeadLetterQueueNames.Form}");
        }
    }

    private static (IReplayAdvisor? Advisor, GroupCommit? Writer) Advisor(DeadLetterOptions options)
    {
        if (Setting("ConnectionStrings__Deliveries") is not { } ledger)
            return (null, null);
        var database = ReadDatabase("ConnectionStrings__Deliveries", ledger);
        var writer = new GroupCommit(database);
        return (new DeliveryAdvisor(new DeliveryLedger(database, writer, TimeProvider.System), new StatusNotice(options)), writer);
    }

    /// <summary>Reads a database's connection string.</summary>
    /// <exception cref="WrongUsageException">It can't be read.</exception>
    public static Database ReadDatabase(string setting, string text) =>
        Database.TryParse(text, out var database, out var error) ? database : throw new WrongUsageException($"{setting} can't be read: {error}");

    // Not from the command line: that can be read by everybody on the machine.
    private static string PromptForConnection() => IsInteractive
        ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            .Prompt(new TextPrompt<string>("RabbitMQ (amqp://user:password@host:5672/vhost):").Secret())
        : throw new WrongUsageException("ConnectionStrings__RabbitMq is not set: put amqp://user:password@host:5672/vhost into the environment");

    /// <summary>A setting out of the environment; null where it is not set.</summary>
    public static string? Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
