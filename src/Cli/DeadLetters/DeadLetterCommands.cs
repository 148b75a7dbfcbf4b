using System.CommandLine;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters …</c></summary>
internal static class DeadLetterCommands
{
    public static Command Create() => new("dead-letters", """
        Dead letters: see why, mend, replay.

        Settings, in the environment:
          ConnectionStrings__RabbitMq     amqp://user:password@host:5672/vhost (ConnectionStrings__DeadLetters, where set, comes first)
          RabbitMqManagement__Url         http://localhost:15672 unless told
          ConnectionStrings__Deliveries   WorkinIt's ledger: then it is known what was sent
          DeadLetters__Queues             other names of dead-letter queues beside MassTransit's, as in *.dlq,*-errors
          DeadLetters__AuditFile          who did what, one JSON object a line
          DeadLetters__DiscardedLife      how long a discarded message is kept; 30.00:00:00 (30 days) unless told

        Exit codes: 0 done, 1 not all as asked, 2 wrong usage, 3 broker out of reach.
        """)
    {
        ListCommand.Create(), ShowCommand.Create(), ReplayCommand.Create(), EditCommand.Create(), DiscardCommand.Create(), RestoreCommand.Create(),
        ExportCommand.Create(), ImportCommand.Create(), AuditCommand.Create(),
    };
}

/// <summary>The options that commands have in common.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Queue { get; } = new("--queue", "-q") { Description = "The queue; the only one that holds something unless told", HelpName = "QUEUE" };

    public Option<string[]> Where { get; } = new("--where", "-w")
    {
        Description = $"Which of its messages, may be repeated: {DeadLetterFilter.Conditions}",
        HelpName = "CONDITION",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public Option<bool> All { get; } = new("--all") { Description = "All of the queue's messages" };

    public Option<bool> Json { get; } = new("--json") { Description = "JSON on standard output, for scripts" };

    public Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Does not ask" };

    public Option<bool> DryRun { get; } = new("--dry-run", "-n") { Description = "Only says what would be done" };

    public Option<string?> By { get; } = new("--as") { Description = "Who you are, for the audit log; the system's user unless told", HelpName = "NAME" };

    /// <summary>The filter that was typed.</summary>
    /// <exception cref="WrongUsageException">A condition is none.</exception>
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

    /// <summary>As <see cref="Filter"/>; of what changes things, "all" has to be said.</summary>
    /// <exception cref="WrongUsageException">Neither a condition nor --all, or both.</exception>
    public DeadLetterFilter ChosenFilter(ParseResult parsed)
    {
        var filter = Filter(parsed);
        return filter.IsEmpty == parsed.GetValue(All)
            ? filter
            : throw new WrongUsageException(filter.IsEmpty ? "Which messages? Say --where CONDITION, or --all" : "--where and --all: which of the two?");
    }

    /// <summary>Runs a command, and turns what goes wrong into one line and an exit code.</summary>
    public Func<ParseResult, CancellationToken, Task<int>> Run(Func<CommandContext, ParseResult, CancellationToken, Task<int>> command) => async (parsed, cancellationToken) =>
    {
        try
        {
            await using var context = CommandContext.Open(parsed.GetValue(By), parsed.GetValue(Json));
            return await command(context, parsed, cancellationToken);
        }
        catch (WrongUsageException e)
        {
            await Terminal.ErrorAsync(e.Message);
            return ExitCode.WrongUsage;
        }
        catch (NothingThereException e)
        {
            await Terminal.ErrorAsync($"Nothing to do: {e.Message}.");
            return ExitCode.Done;
        }
        catch (DeadLetterException e)
        {
            await Terminal.ErrorAsync(e.Problem == DeadLetterProblem.Audit ? $"{e.Message}. Check who may write there (DeadLetters__AuditFile names the audit log), and that the disk is not full." : e.Message);
            return ExitCode.Of(e);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Terminal.ErrorAsync("Cancelled: nothing was changed.");
            return ExitCode.NotAllAsAsked;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The audit log's file, or the one to write to. Before an operation, or after it: within, all stays in the queue that has no copy elsewhere.
            await Terminal.ErrorAsync($"{e.Message.TrimEnd('.')}. Check who may write there (DeadLetters__AuditFile names the audit log), and that the disk is not full. No message is lost: see what is left by “list”, and run this again.");
            return ExitCode.NotAllAsAsked;
        }
    };
}
