using System.CommandLine;
using System.Data.Common;
using Microsoft.Extensions.Options;
using Spectre.Console;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary><c>workinit erase --recipient -</c></summary>
internal static class EraseCommand
{
    private const string Store = "ConnectionStrings__Submissions";
    private const string Ledger = "ConnectionStrings__Deliveries";
    private const string Secret = "OptOut__Secret";

    // Those of WorkinIt: in other applications' queues an address means something else.
    private static readonly string[] _queues = ["send-gif-email_", "submission-status_"];

    public static Command Create()
    {
        var common = new CommonOptions();
        var recipient = new Option<string>("--recipient", "-r") { Description = "The address; - reads it from standard input, so that no shell keeps it", HelpName = "ADDRESS", Required = true };
        var noBlock = new Option<bool>("--no-block") { Description = "Does not put the address on the list of those who are never mailed" };
        var command = new Command("erase", """
            Removes a person: their submissions, their dead letters (discarded ones too), and what the audit log holds of their messages.

            First the address is put on the list of those who are never mailed, as a digest that nobody can read: so what waits in a queue now ends
            without a mail and without a dead letter. With --no-block it is mailed, or fails: then run this again once the queues have run dry.

            Settings, in the environment, beside those of workinit dead-letters:
              ConnectionStrings__Submissions  Web's store
              ConnectionStrings__Deliveries   the ledger, and that list beside it
              OptOut__Secret                  the one that Web and Consumers have; not needed with --no-block
              DeadLetters__AuditFile          the one that Web has; on each machine that has one of its own, run this

            Examples:
              workinit erase --recipient -  --dry-run
              workinit erase --recipient jane@example.com

            Exit codes: 0 done, 1 not all, 2 wrong usage, 3 broker or database out of reach.
            """)
        { recipient, noBlock, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var person = new Person(Read(context, parsed.GetValue(recipient)!));
            var store = CommandContext.ReadDatabase(Store, Required(Store, "Web's store"));
            var deliveries = CommandContext.ReadDatabase(Ledger, Required(Ledger, "the ledger"));
            var block = parsed.GetValue(noBlock) ? null : Blocking(deliveries, person);
            try
            {
                return await EraseAsync(
                    context, new Erasure(context, person, store, deliveries), block, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken);
            }
            catch (DbException e)
            {
                await Terminal.ErrorAsync($"A database does not answer ({e.GetType().Name}): check {Store}, {Ledger}, and that --migrate was run. Then run this again");
                return ExitCode.OutOfReach;
            }
        }));
        return command;
    }

    private static async Task<int> EraseAsync(CommandContext context, Erasure erasure, Action? block, bool dryRun, bool yes, CancellationToken cancellationToken)
    {
        if (dryRun || !yes)
        {
            var found = await erasure.RunAsync(dryRun: true, _queues, cancellationToken);
            if (dryRun)
            {
                PrintResult(context, found, blocked: false, dryRun: true);
                return found.Problems.Count == 0 ? ExitCode.Done : ExitCode.NotAllAsAsked;
            }
            foreach (var line in Lines(found, looked: true))
                context.Err.WriteLine(Terminal.Clean(line));
            if (!context.Confirm(block is null ? "Remove all of this for good?" : "Never mail this address again, and remove all of this for good?", yes))
                return ExitCode.NotAllAsAsked;
        }
        block?.Invoke(); // first: what is under way now then ends without a trace
        Erased done;
        try
        {
            done = await erasure.RunAsync(dryRun: false, _queues, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Terminal.ErrorAsync($"Cut off: {(block is null ? "" : "the address is blocked, ")}some of it is removed, and dead letters, audit log and copies in the databases may be left. Run this again.");
            return ExitCode.NotAllAsAsked;
        }
        PrintResult(context, done, blocked: block is not null, dryRun: false);
        return done.Problems.Count == 0 ? ExitCode.Done : ExitCode.NotAllAsAsked;
    }

    private static void PrintResult(CommandContext context, Erased erased, bool blocked, bool dryRun)
    {
        if (context.Json)
        {
            CommandContext.WriteJson(new
            {
                dryRun,
                blocked,
                erased.Submissions,
                deadLetters = erased.DeadLetters.Select(queue => new { queue = queue.Key, count = queue.Value }),
                auditEntries = erased.AuditEntries,
                erased.AuditFile,
                erased.Problems,
                erased.Notes,
            });
            return;
        }
        CommandContext.Print(dryRun ? "Would be removed:" : "Removed:");
        foreach (var line in Lines(erased, dryRun))
            CommandContext.Print(line);
        if (dryRun)
            return;
        CommandContext.Print(blocked
            ? "The address is never mailed again. What waits in a queue now ends without a mail; what was being sent in this minute may have become a dead letter: run this once more to be sure."
            : "What waits in a queue now is mailed, or becomes a dead letter: run this again once the queues have run dry.");
    }

    private static IEnumerable<string> Lines(Erased erased, bool looked)
    {
        yield return $"  {ListCommand.Number(erased.Submissions)} submissions";
        foreach (var (queue, count) in erased.DeadLetters)
            yield return $"  {ListCommand.Number(count)} dead letters in {queue}";
        if (erased.DeadLetters.Count == 0)
            yield return "  0 dead letters";
        yield return $"  the contents of {ListCommand.Number(erased.AuditEntries)} entries in {erased.AuditFile}";
        foreach (var problem in erased.Problems)
            yield return $"  {(looked ? "Not looked into" : "Not done")}: {problem}";
        foreach (var note in erased.Notes)
            yield return $"  Left to do: {note}";
    }

    private static string Read(CommandContext context, string argument)
    {
        if (argument != "-")
            return argument;
        if (CommandContext.IsInteractive)
            context.Err.Write("Address: ");
        return Console.In.ReadLine() ?? "";
    }

    private static Action Blocking(Database deliveries, Person person)
    {
        var options = new OptOutOptions { Secret = CommandContext.Setting(Secret) };
        if (options.Validate(new(options)).FirstOrDefault() is { ErrorMessage: { } problem })
            throw new WrongUsageException($"{problem}. Or say --no-block");
        var name = new OptOutTokens(Options.Create(options)).NameOf(person.Address);
        return () => new OptOutList(deliveries, TimeProvider.System).Add(name);
    }

    private static string Required(string setting, string what) =>
        CommandContext.Setting(setting) ?? throw new WrongUsageException($"{setting} is not set: {what} is needed to erase somebody");
}
