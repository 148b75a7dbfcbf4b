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
        var command = new Command("audit", """
            Shows who did what to dead letters, newest first.

            Example:
              workinit dead-letters audit --queue send-gif-email_error
            """)
        { common.Queue, limit, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var entries = await context.Broker.Audit.ReadAsync(parsed.GetValue(common.Queue), parsed.GetValue(limit), cancellationToken);
            if (context.Json)
            {
                CommandContext.WriteJson(entries.Select(entry => entry with { Original = null, Edited = null, Patch = null, Filter = Masking.Filter(entry.Filter), Problem = Masking.Text(entry.Problem) })); // what users typed is not printed
                return ExitCode.Done;
            }
            if (entries.Count == 0)
            {
                CommandContext.Print("No audit entries.");
                return ExitCode.Done;
            }
            var table = new Table().Border(TableBorder.Simple)
                .AddColumn("When").AddColumn("Who").AddColumn("What").AddColumn("Queue").AddColumn("Filter").AddColumn(new TableColumn("Done").RightAligned()).AddColumn("");
            foreach (var entry in entries)
            {
                table.AddRow(ListCommand.Time(entry.At), Terminal.Cell(entry.By), Terminal.Cell(entry.Verb), Terminal.Cell(entry.Source is { } source ? $"{entry.Queue} ({source})" : entry.Queue), Terminal.Cell(Masking.Filter(entry.Filter)),
                    entry.EndedAt is null ? "–" : $"{ListCommand.Number(entry.Done)} of {ListCommand.Number(entry.Selected)}", Terminal.Cell(entry.EndedAt is null ? "still running, or interrupted" : string.Join(". ", new[] { entry.Results, Masking.Text(entry.Problem) }.Where(text => text.Length > 0))));
            }
            context.Out.Write(table);
            return ExitCode.Done;
        }));
        return command;
    }
}
