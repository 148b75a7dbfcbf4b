using System.CommandLine;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters audit</c></summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var limit = new Option<int>("--limit") { Description = "Maximum number of entries", DefaultValueFactory = _ => 20, HelpName = "N" };
        var originals = new Option<string?>("--originals") { Description = "Print the messages as they were before this repair, unmasked, one JSON object per line; the audit log records it", HelpName = "ID" };
        var command = new Command("audit", """
            Shows who did what to dead letters, newest first.

            Examples:
              workinit dead-letters audit --queue send-gif-email_error
              workinit dead-letters audit --originals 0199c4f0000070008000000000000009 > originals.jsonl
            """)
        { common.Queue, limit, originals, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            if (parsed.GetValue(originals) is { } repair)
                return await OriginalsAsync(context, repair, cancellationToken);
            var entries = await context.Letters.AuditAsync(parsed.GetValue(common.Queue), parsed.GetValue(limit), cancellationToken);
            if (context.Json)
            {
                CommandContext.WriteJson(entries.Select(entry => entry.Entry));
                return ExitCode.Done;
            }
            if (entries.Count == 0)
            {
                CommandContext.Print("No audit entries.");
                return ExitCode.Done;
            }
            var table = new Table().Border(TableBorder.Simple)
                .AddColumn("When").AddColumn("Who").AddColumn("What").AddColumn("Queue").AddColumn("Filter").AddColumn(new TableColumn("Done").RightAligned()).AddColumn("");
            foreach (var (entry, state) in entries)
            {
                table.AddRow(ListCommand.Time(entry.At), Terminal.Cell(entry.By), Terminal.Cell(entry.Verb), Terminal.Cell(entry.Source is { } source ? $"{entry.Queue} ({source})" : entry.Queue), Terminal.Cell(entry.Filter),
                    entry.EndedAt is null ? "–" : $"{ListCommand.Number(entry.Done)} of {ListCommand.Number(entry.Selected)}", Terminal.Cell(entry.EndedAt is null ? state ?? "still running, or interrupted" : string.Join(". ", new[] { entry.Results, entry.Problem }.Where(text => text.Length > 0))));
            }
            context.Out.Write(table);
            return ExitCode.Done;
        }));
        return command;
    }

    private static async Task<int> OriginalsAsync(CommandContext context, string repair, CancellationToken cancellationToken)
    {
        var log = context.Broker.Audit;
        if (repair.Length == 0 || !repair.All(char.IsAsciiLetterOrDigit))
            throw new WrongUsageException("--originals must be the id of a repair: “audit --json” shows it");
        var entry = await log.FindAsync(repair, cancellationToken);
        var lines = context.Audit.OriginalLinesAsync(repair, cancellationToken);
        if (!await lines.AnyAsync(cancellationToken))
            throw new NotFoundException($"No original messages of repair {repair}. They are kept for 30 days, or for Catalogue__Retention");
        var now = DateTimeOffset.UtcNow;
        await log.WriteAsync(
            new AuditEntry
            {
                Id = Guid.CreateVersion7(now).ToString("N"),
                At = now,
                EndedAt = now,
                By = context.By,
                Verb = "reveal",
                Queue = entry?.Queue ?? "",
                Filter = $"originals of {repair}",
                Selected = 1,
                Done = 1,
            },
            cancellationToken);
        await foreach (var line in lines.WithCancellation(cancellationToken))
            await CommandHost.Current.Out.WriteLineAsync(line);
        return ExitCode.Done;
    }
}
