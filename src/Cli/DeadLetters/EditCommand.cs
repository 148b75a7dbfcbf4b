using System.CommandLine;
using System.Text.Json;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters edit 9f86d081884c7d65</c></summary>
internal static class EditCommand
{
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    public static Command Create()
    {
        var common = new CommonOptions();
        var id = new Argument<string>("id") { Description = "Dead letter id or message id" };
        var file = new Option<string?>("--message", "-m") { Description = "File with the new message as JSON, or - for standard input (default: edit it in $EDITOR)", HelpName = "FILE" };
        var wait = new Option<string>("--wait") { Description = "How long to wait for the outcome (0: do not wait)", DefaultValueFactory = _ => "1m", HelpName = "TIME" };
        var acceptLoss = ReplayCommand.AcceptLossOption();
        var command = new Command("edit", """
            Edits the message of one dead letter and replays it with the same message id. The audit log keeps the original.

            Examples:
              workinit dead-letters edit 9f86d081884c7d65
              workinit dead-letters edit 0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d --message fixed.json --yes
            """)
        { id, file, common.Queue, acceptLoss, wait, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken, ofOneLetter: true);
            new StepOptions().CheckServer(context, parsed, wait);
            var letter = await context.Letters.FindEditableAsync(queue, parsed.GetValue(id)!, cancellationToken);
            // Audit the reveal only now: if the message can't be edited, it was not revealed.
            var edit = await ReadEditAsync(parsed.GetValue(file), cancellationToken);
            var editor = edit is null ? EditorCommand.Find() : null;
            var original = await letter.RevealAsync(cancellationToken);
            var edited = edit ?? Checked(await editor!.RunAsync(original, cancellationToken));
            if (IsSame(original, edited))
                throw new WrongUsageException("Nothing was changed, so nothing was replayed");
            if (!context.Json)
                WriteDiff(context.Out, Formatted(original), Formatted(edited));
            var request = new ReplayRequest
            {
                Queue = queue,
                Filter = DeadLetterFilter.ById(letter.Id),
                By = context.By,
                Edited = edited,
                AcceptLoss = parsed.GetValue(acceptLoss),
                Wait = ReplayCommand.Time(parsed.GetValue(wait)!),
            };
            return await ReplayCommand.ReplayAsync(context, request, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken);
        }));
        return command;
    }

    // Compares values: different whitespace is not a change.
    private static bool IsSame(string original, string edited) => Formatted(original) == Formatted(edited);

    private static string Formatted(string json) => JsonText.Indented(json) ?? json.Trim();

    private static async Task<string?> ReadEditAsync(string? file, CancellationToken cancellationToken) => file switch
    {
        null => null,
        "-" => Checked(await CommandHost.Current.In.ReadToEndAsync(cancellationToken)),
        _ when File.Exists(file) => Checked(await File.ReadAllTextAsync(file, cancellationToken)),
        _ => throw new WrongUsageException($"File {file} not found"),
    };

    /// <summary>An edited message.</summary>
    /// <exception cref="WrongUsageException">It is not JSON.</exception>
    public static string Checked(string edited)
    {
        try
        {
            using var json = JsonDocument.Parse(edited, _parsing);
            return edited.Trim();
        }
        catch (JsonException e)
        {
            throw new WrongUsageException($"The edited message is not valid JSON (line {e.LineNumber + 1}). Nothing was replayed");
        }
    }

    private static void WriteDiff(IAnsiConsole console, string original, string edited)
    {
        foreach (var line in InlineDiffBuilder.Diff(original, edited).Lines)
        {
            var (sign, style) = line.Type switch
            {
                ChangeType.Inserted => ("+ ", Color.Green),
                ChangeType.Deleted => ("- ", Color.Red),
                _ => ("  ", Color.Default),
            };
            console.Write(new Text(sign + Terminal.Clean(line.Text) + Environment.NewLine, new Style(style)));
        }
    }
}
