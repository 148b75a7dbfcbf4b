using System.CommandLine;
using System.Data.Common;
using Microsoft.Extensions.Options;
using Spectre.Console;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary><c>workinit erase --recipient -</c></summary>
internal static class EraseCommand
{
    private const string Store = "ConnectionStrings__Submissions";
    private const string Ledger = "ConnectionStrings__Deliveries";
    private const string Secret = "OptOut__Secret";

    // Only WorkinIt's queues: in other applications' queues, an address has a different meaning.
    private static readonly string[] _queues = ["send-gif-email_", "submission-status_"];

    public static Command Create()
    {
        var common = new CommonOptions();
        var recipient = new Option<string>("--recipient", "-r") { Description = "The e-mail address, or - to read it from standard input, which keeps it out of the shell history", HelpName = "ADDRESS", Required = true };
        var noBlock = new Option<bool>("--no-block") { Description = "Do not add the address to the suppression list" };
        var command = new Command("erase", """
            Erases a person's data: their submissions, their dead letters (including discarded ones), and what the catalogue and the audit log contain of their messages.

            First, the address is added to the suppression list, as a digest from which it can't be read. Messages that wait in a queue then end
            without a mail and without a dead letter. With --no-block, they are mailed or fail: run the command again when the queues are empty.

            Settings (environment variables), in addition to those of workinit dead-letters:
              ConnectionStrings__Submissions  Web's store
              ConnectionStrings__Deliveries   the ledger; the suppression list is in the same database
              OptOut__Secret                  the same value as for Web and Consumers; not needed with --no-block
              ConnectionStrings__Catalogue    the catalogue of dead letters, with the audit log; not needed if Web has none
              DeadLetters__AuditFile          Web's audit file; run the command on each machine that has its own

            Examples:
              workinit erase --recipient -  --dry-run
              workinit erase --recipient jane@example.com

            Exit codes: 0 done, 1 not everything, 2 wrong usage, 3 broker or database unreachable.
            """)
        { recipient, noBlock, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var person = new Person(Read(context, parsed.GetValue(recipient)!));
            var store = CommandContext.ReadDatabase(Store, Required(Store, "Web's store"));
            var deliveries = CommandContext.ReadDatabase(Ledger, Required(Ledger, "the ledger"));
            var catalogue = CommandContext.Setting(CommandAudit.Setting) is { } setting ? CommandContext.ReadDatabase(CommandAudit.Setting, setting) : null;
            var block = parsed.GetValue(noBlock) ? null : Blocking(deliveries, person);
            if (catalogue is not null && DatabaseSchema.Check(catalogue, "catalogue_letters") is { } wrong) // a wrong name must not look like an empty catalogue
            {
                await Terminal.ErrorAsync($"{CommandAudit.Setting}: {wrong}");
                return ExitCode.Unreachable;
            }
            try
            {
                await context.Audit.PrepareAsync();
                return await EraseAsync(
                    context, new Erasure(context, person, store, deliveries, catalogue is null ? null : new CatalogueErasure(catalogue), catalogue is null ? null : new AuditErasure(catalogue)), block, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken);
            }
            catch (Exception e) when (e is DbException or CatalogueUnavailableException)
            {
                await Terminal.ErrorAsync($"A database can't be used ({e.GetType().Name}). Check {Store}, {Ledger}{(catalogue is null ? "" : $", {CommandAudit.Setting}")}, and that --migrate was run. Then run this command again");
                return ExitCode.Unreachable;
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
                return found.Problems.Count == 0 ? ExitCode.Done : ExitCode.Incomplete;
            }
            foreach (var line in Lines(found, looked: true))
                context.Err.WriteLine(Terminal.Clean(line));
            if (!context.Confirm(block is null ? "Delete all of this permanently?" : "Add the address to the suppression list, and delete all of this permanently?", yes))
                return ExitCode.Incomplete;
        }
        block?.Invoke(); // first, so that waiting messages end without a mail and without a dead letter
        Erased done;
        try
        {
            done = await erasure.RunAsync(dryRun: false, _queues, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Terminal.ErrorAsync($"Interrupted: {(block is null ? "" : "the address is on the suppression list, ")}some data is removed; dead letters, audit entries and copies in the databases may be left. Run this again.");
            return ExitCode.Incomplete;
        }
        PrintResult(context, done, blocked: block is not null, dryRun: false);
        return done.Problems.Count == 0 ? ExitCode.Done : ExitCode.Incomplete;
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
                catalogueAuditEntries = erased.CatalogueEntries,
                catalogueLetters = erased.Catalogue,
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
            ? "The address is on the suppression list and gets no more mail. A mail that is being sent now may still arrive. Messages that wait in a queue end without a mail. Messages that were in flight during this minute may have become dead letters: run this once more to be sure."
            : "Messages that wait in a queue are mailed or become dead letters: run this again when the queues are empty.");
    }

    private static IEnumerable<string> Lines(Erased erased, bool looked)
    {
        yield return $"  {ListCommand.Number(erased.Submissions)} submissions";
        foreach (var (queue, count) in erased.DeadLetters)
            yield return $"  {ListCommand.Number(count)} dead letters in {queue}";
        if (erased.DeadLetters.Count == 0)
            yield return "  0 dead letters";
        yield return $"  the contents of {ListCommand.Number(erased.AuditEntries)} entries in {erased.AuditFile}";
        if (erased.CatalogueEntries is { } entries)
            yield return $"  the contents of {ListCommand.Number(entries)} entries in the audit log of the catalogue";
        if (erased.Catalogue is { } letters)
            yield return $"  {ListCommand.Number(letters)} letters in the catalogue";
        foreach (var problem in erased.Problems)
            yield return $"  {(looked ? "Not checked" : "Not done")}: {problem}";
        foreach (var note in erased.Notes)
            yield return $"  To do: {note}";
    }

    private static string Read(CommandContext context, string argument)
    {
        if (argument != "-")
            return argument;
        if (CommandHost.Current.IsInteractive)
            context.Err.Write("Address: ");
        return CommandHost.Current.In.ReadLine() ?? "";
    }

    private static Action Blocking(Database deliveries, Person person)
    {
        var options = new OptOutOptions { Secret = CommandContext.Setting(Secret) };
        if (options.Validate(new(options)).FirstOrDefault() is { ErrorMessage: { } problem })
            throw new WrongUsageException($"{problem}. Or pass --no-block");
        var name = new OptOutTokens(Options.Create(options)).NameOf(person.Address);
        return () => new SuppressionList(deliveries, TimeProvider.System).Add(name);
    }

    private static string Required(string setting, string what) =>
        CommandContext.Setting(setting) ?? throw new WrongUsageException($"{setting} is not set: the command needs {what}");
}
