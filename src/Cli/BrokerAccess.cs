using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.DeliveryAdvice;
using WorkinIt.Storage;

namespace WorkinIt.Cli;

/// <summary>The connection of a command to the broker, with its audit log and the ledger.</summary>
internal sealed class BrokerAccess : IAsyncDisposable
{
    private readonly GroupCommit? _writer;

    private BrokerAccess(DeadLetterOptions options, CommandAudit audit, IReplayAdvisor? advisor, GroupCommit? writer)
    {
        Client = new DeadLetterClient(options, audit.Log, advisor);
        (Options, Audit, Advisor, _writer) = (options, audit, advisor, writer);
    }

    public DeadLetterOptions Options { get; }

    public DeadLetterClient Client { get; }

    public CommandAudit Audit { get; }

    /// <summary>Knows what was sent; null without a ledger.</summary>
    public IReplayAdvisor? Advisor { get; }

    /// <summary>Reads the settings from the environment.</summary>
    /// <param name="address">The broker that the command line names.</param>
    /// <param name="ask">Asks for the connection string, if nothing names the broker.</param>
    /// <exception cref="WrongUsageException">A setting is missing or invalid.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The access disposes of the audit log")]
    public static BrokerAccess Open(BrokerAddress address, Func<string> ask)
    {
        var options = address.Read(ask);
        options = options with { Names = ReadNames() };
        if (CommandContext.Setting("DeadLetters__DiscardedLife") is { } life)
        {
            options = options with
            {
                DiscardedLife = TimeSpan.TryParse(life, CultureInfo.InvariantCulture, out var span) && span > TimeSpan.Zero && span <= DeadLetterOptions.LongestDiscardedLife
                    ? span
                    : throw new WrongUsageException("DeadLetters__DiscardedLife must be a duration such as 30.00:00:00 (30 days), at most 49.00:00:00"),
            };
        }
        var (advisor, writer) = ReadLedger(options);
        var auditFile = CommandContext.Setting("DeadLetters__AuditFile") ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "workinit", "audit.jsonl");
        var catalogue = CommandContext.Setting(CommandAudit.Setting) is { } database ? CommandContext.ReadDatabase(CommandAudit.Setting, database) : null;
        return new BrokerAccess(options, new CommandAudit(auditFile, catalogue), advisor, writer);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Audit.DisposeAsync();
        if (_writer is not null)
            await _writer.DisposeAsync();
    }

    private static DeadLetterQueueNames ReadNames()
    {
        try
        {
            return DeadLetterQueueNames.Parse(CommandContext.Setting("DeadLetters__Queues"));
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"DeadLetters__Queues: {e.Message}. Use {DeadLetterQueueNames.Form}");
        }
    }

    private static (IReplayAdvisor? Advisor, GroupCommit? Writer) ReadLedger(DeadLetterOptions options)
    {
        if (CommandContext.Setting("ConnectionStrings__Deliveries") is not { } ledger)
            return (null, null);
        var database = CommandContext.ReadDatabase("ConnectionStrings__Deliveries", ledger);
        var writer = new GroupCommit(database);
        return (new DeliveryAdvisor(new DeliveryLedger(database, writer, TimeProvider.System), new StatusNotice(options)), writer);
    }
}
