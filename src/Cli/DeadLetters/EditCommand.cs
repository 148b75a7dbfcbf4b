using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters edit 9f86d081884c7d65</c></summary>
internal static class EditCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var id = new Argument<string>("id") { Description = "The dead letter's id, or its message id" };
        var file = new Option<string?>("--message", "-m") { Description = "A file with the new message as JSON, or - for standard input; else $EDITOR opens it", HelpName = "FILE" };
        var wait = new Option<string>("--wait") { Description = "How long to wait for the outcome; 0 not at all", DefaultValueFactory = _ => "1m", HelpName = "TIME" };
        var command = new Command("edit", """
            Changes the message of one dead letter and replays it, with the same message id. The audit log keeps the original.

            Examples:
              workinit dead-letters edit 9f86d081884c7d65
              workinit dead-letters edit 0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d --message mended.json --yes
            """)
        { id, file, common.Queue, wait, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (desk, parsed, cancellationToken) =>
        {
            var queue = await desk.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken, ofOneLetter: true);
            var letter = await desk.Broker.FindAsync(queue, parsed.GetValue(id)!, desk.By, cancellationToken)
                ?? throw new WrongUsageException($"{queue} holds no dead letter {parsed.GetValue(id)}");
            await desk.Broker.RevealedAsync(letter, desk.By, cancellationToken);
            var original = letter.MessageJson ?? letter.BodyText ?? throw new WrongUsageException("Its body is no text: it can't be edited");
            var edited = await EditedAsync(original, parsed.GetValue(file), cancellationToken);
            if (edited.Trim() == original.Trim())
                throw new WrongUsageException("Nothing was changed: nothing is replayed");
            if (!desk.Json)
                WriteDiff(desk.Out, original, edited);
            var request = new ReplayRequest
            {
                Queue = queue,
                Filter = DeadLetterFilter.ById(letter.Id),
                By = desk.By,
                Edited = edited,
                Wait = ReplayCommand.Time(parsed.GetValue(wait)!),
            };
            return await ReplayCommand.ReplayAsync(desk, request, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken);
        }));
        return command;
    }

    private static async Task<string> EditedAsync(string original, string? file, CancellationToken cancellationToken)
    {
        var edited = file switch
        {
            null => await FromEditorAsync(original, cancellationToken),
            "-" => await Console.In.ReadToEndAsync(cancellationToken),
            _ when File.Exists(file) => await File.ReadAllTextAsync(file, cancellationToken),
            _ => throw new WrongUsageException($"There is no file {file}"),
        };
        try
        {
            using var json = JsonDocument.Parse(edited);
            return edited.Trim();
        }
        catch (JsonException e)
        {
            throw new WrongUsageException($"The edited message is no valid JSON, line {e.LineNumber + 1}: nothing was replayed");
        }
    }

    private static async Task<string> FromEditorAsync(string original, CancellationToken cancellationToken)
    {
        var editor = Environment.GetEnvironmentVariable("VISUAL") ?? Environment.GetEnvironmentVariable("EDITOR");
        if (!Desk.IsInteractive)
            throw new WrongUsageException("There is no terminal to edit in: give the new message by --message FILE, or - for standard input");
        if (string.IsNullOrWhiteSpace(editor))
            throw new WrongUsageException("Set EDITOR, or give the new message by --message FILE");
        var folder = Directory.CreateTempSubdirectory("workinit-"); // readable by its owner alone
        try
        {
            var path = Path.Combine(folder.FullName, "message.json");
            await File.WriteAllTextAsync(path, original, cancellationToken);
            var words = editor.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            using var process = Start(words[0], [.. words[1..], path]);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? await File.ReadAllTextAsync(path, cancellationToken) : throw new WrongUsageException($"{words[0]} ended with {process.ExitCode}: nothing was replayed");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Process Start(string editor, IEnumerable<string> arguments)
    {
        try
        {
            return Process.Start(editor, arguments);
        }
        catch (Win32Exception e)
        {
            throw new WrongUsageException($"{editor} can't be started ({e.Message}): set EDITOR to another one. Nothing was replayed");
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
            console.Write(new Text(sign + line.Text + Environment.NewLine, new Style(style)));
        }
    }
}
