using System.CommandLine;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters show 3f2a… --reveal</c></summary>
internal static class ShowCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var id = new Argument<string>("id") { Description = "Dead letter id or message id" };
        var reveal = new Option<bool>("--reveal") { Description = "Show what users typed, too; the audit log records it" };
        var command = new Command("show", """
            Shows one dead letter: its message, why and where it failed, and what was tried. Without --queue, searches all dead-letter queues.

            Examples:
              workinit dead-letters show 0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d
              workinit dead-letters show 9f86d081884c7d65 --queue send-gif-email_error --reveal
            """)
        { id, common.Queue, reveal, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var letters = await FindAsync(context, parsed.GetValue(common.Queue), parsed.GetValue(id)!, parsed.GetValue(common.Yes), parsed.GetValue(reveal), cancellationToken);
            foreach (var letter in letters)
            {
                if (context.Json)
                    CommandContext.Print(letter.Json);
                else
                    Write(context.Out, letter);
            }
            return letters.Count == 0 ? ExitCode.Incomplete : ExitCode.Done;
        }));
        return command;
    }

    /// <summary>Finds the dead letters that the command line names, and reports on standard error what was not found or not searched.</summary>
    /// <param name="context">The command.</param>
    /// <param name="queue">The queue; null: all of them.</param>
    /// <param name="id">A dead-letter id or a MessageId.</param>
    /// <param name="isConfirmed">Whether not to ask before a read that counts as a return.</param>
    /// <param name="reveal">Whether to show them unmasked.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    public static async Task<IReadOnlyList<ShownLetter>> FindAsync(CommandContext context, string? queue, string id, bool isConfirmed, bool reveal, CancellationToken cancellationToken)
    {
        if (queue is not null)
            await context.ConfirmAccessAsync(queue, isConfirmed, cancellationToken);
        var found = await context.Letters.FindAsync(queue, id, reveal, cancellationToken);
        foreach (var other in found.NotSearched)
            await Terminal.ErrorAsync($"Not searched: {other}");
        if (found.Letters.Count == 0)
            await Terminal.ErrorAsync($"{id} not found in {queue ?? "the queues that were searched"}. {found.Known ?? "That does not show whether it was handled"}");
        return found.Letters;
    }

    /// <summary>Searches all dead-letter queues, and reports on standard error those that were not searched.</summary>
    public static async Task<DeadLetter[]> EverywhereAsync(CommandContext context, string id, CancellationToken cancellationToken)
    {
        var (places, notLookedInto) = await context.Broker.SearchAsync(id, context.By, cancellationToken);
        foreach (var queue in notLookedInto)
            await Terminal.ErrorAsync($"Not searched: {queue.Name}. {queue.AccessWarning}");
        return [.. places.Select(place => place.Letter)];
    }

    private static void Write(IAnsiConsole console, ShownLetter letter)
    {
        var facts = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach (var (name, value) in letter.Facts)
        {
            if (!string.IsNullOrEmpty(value))
                facts.AddRow(Terminal.Cell(name), Terminal.Cell(value));
        }
        console.Write(facts);
        foreach (var (title, text) in letter.Sections)
        {
            console.WriteLine();
            console.Write(new Rule(Terminal.Cell(title)).LeftJustified());
            CommandContext.Print(text);
        }
    }
}
