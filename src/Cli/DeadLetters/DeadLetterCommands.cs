using System.CommandLine;
using WorkinIt.Cli.Granting;
using WorkinIt.Cli.Mcp;
using WorkinIt.Cli.Remote;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters …</c></summary>
internal static class DeadLetterCommands
{
    public static Command Create()
    {
        var command = Verbs();
        ServerOptions.AddTo(command);
        return command;
    }

    private static Command Verbs() => new("dead-letters", """
        Dead letters: find out why messages failed, fix them, replay them.

        Settings (environment variables):
          ConnectionStrings__RabbitMq     amqp://user:password@host:5672/vhost (ConnectionStrings__DeadLetters takes precedence)
          RabbitMqManagement__Url         the management API (default: the broker's host, port 15672, or 15671 with amqps)
          ConnectionStrings__Deliveries   WorkinIt's ledger, which knows what was sent
          DeadLetters__Queues             names of dead-letter queues in addition to MassTransit's, such as *.dlq,*-errors
          ConnectionStrings__Catalogue    the catalogue that the pages use: the audit log is in its database, and the pages show what the command does
          DeadLetters__AuditFile          without a catalogue, the audit log: who did what, one JSON object per line
          DeadLetters__DiscardedLife      how long a discarded message is kept (default: 30.00:00:00, 30 days)
          WORKINIT_TOKEN                  with --server: a token of the server's API; no setting of the broker is needed

        Exit codes: 0 done, or the queue is empty; 1 not everything as requested, or no message matches; 2 wrong usage; 3 broker or server unreachable, or accepts no messages.
        """)
    {
        ListCommand.Create(), ShowCommand.Create(), ExplainCommand.Create(), TestCommand.Create(), ReplayCommand.Create(), EditCommand.Create(), RepairCommand.Create(), DiscardCommand.Create(), RestoreCommand.Create(),
        ExportCommand.Create(), ImportCommand.Create(), AuditCommand.Create(), ServeCommand.Create(), GrantCommand.Create(),
        McpCommand.Create(), ConfirmCommand.Create(),
    };
}

/// <summary>The options that several commands share.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Queue { get; } = new("--queue", "-q") { Description = "The queue (default: the only non-empty one)", HelpName = "QUEUE" };

    public Option<string[]> Where { get; } = new("--where", "-w")
    {
        Description = $"Select messages by condition, can be repeated: {DeadLetterFilter.Conditions}",
        HelpName = "CONDITION",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public Option<bool> All { get; } = new("--all") { Description = "Select all messages in the queue" };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON on standard output, for scripts" };

    public Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Do not ask for confirmation" };

    public Option<bool> DryRun { get; } = new("--dry-run", "-n") { Description = "Only show what would be done" };

    public Option<string?> By { get; } = new("--as") { Description = "Your name for the audit log (default: WORKINIT_OPERATOR, else the system's user)", HelpName = "NAME" };

    /// <summary>Parses the conditions on the command line.</summary>
    /// <exception cref="WrongUsageException">A condition is invalid.</exception>
    public DeadLetterFilter Filter(ParseResult parsed)
    {
        try
        {
            return DeadLetterFilter.Parse(parsed.GetValue(Where) ?? []);
        }
        catch (FormatException e)
        {
            throw new WrongUsageException(e.Message);
        }
    }

    /// <summary>Like <see cref="Filter"/>, for commands that change something: these require --all to select all messages.</summary>
    /// <exception cref="WrongUsageException">Neither a condition nor --all, or both.</exception>
    public DeadLetterFilter ChosenFilter(ParseResult parsed)
    {
        var filter = Filter(parsed);
        return filter.IsEmpty == parsed.GetValue(All)
            ? filter
            : throw new WrongUsageException(filter.IsEmpty ? "Select messages with --where CONDITION, or all of them with --all" : "--where and --all can't be combined: use one of them");
    }

    /// <summary>Runs a command, and turns exceptions into one line on standard error and an exit code.</summary>
    /// <param name="command">The command.</param>
    /// <param name="address">Returns the broker that the command line names; null: the command has no option for it.</param>
    /// <param name="needsBroker">Whether it works only with a connection to the broker.</param>
    public Func<ParseResult, CancellationToken, Task<int>> Run(
        Func<CommandContext, ParseResult, CancellationToken, Task<int>> command, Func<ParseResult, BrokerAddress>? address = null, bool needsBroker = false) => async (parsed, cancellationToken) =>
    {
        var setting = CommandContext.Setting(CommandAudit.Setting) is null ? "DeadLetters__AuditFile" : CommandAudit.Setting;
        try
        {
            await using var context = ServerOptions.Read(parsed, By, needsBroker) is { } server
                ? CommandContext.Open(server, parsed.GetValue(Json))
                : CommandContext.Open(parsed.GetValue(By), parsed.GetValue(Json), address?.Invoke(parsed));
            return await command(context, parsed, cancellationToken);
        }
        catch (WrongUsageException e)
        {
            await Terminal.ErrorAsync(e.Message);
            return ExitCode.WrongUsage;
        }
        catch (NotFoundException e)
        {
            await Terminal.ErrorAsync(e.Message);
            return ExitCode.Incomplete;
        }
        catch (NothingThereException e)
        {
            await Terminal.ErrorAsync($"Nothing to do: {e.Message}.");
            return ExitCode.Done;
        }
        catch (ServerException e)
        {
            await Terminal.ErrorAsync(e.Message);
            return e.ExitCode;
        }
        catch (DeadLetterException e)
        {
            await Terminal.ErrorAsync(e.Problem == DeadLetterProblem.Audit ? $"{e.Message}. Check that you may write to the audit log (set by {setting}), and that the disk is not full." : e.Message);
            return ExitCode.Of(e);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Terminal.ErrorAsync("Cancelled: nothing was changed.");
            return ExitCode.Incomplete;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The audit file or the output file can't be used. No message is lost, whenever this happens: each stays in its queue until its copy is confirmed.
            await Terminal.ErrorAsync($"{e.Message.TrimEnd('.')}. Check that you may write there ({setting} sets the audit log), and that the disk is not full. No message is lost. Run “list” to see what is left, then run this again.");
            return ExitCode.Incomplete;
        }
    };
}
