using System.ComponentModel;
using System.Diagnostics;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>The operator's editor.</summary>
internal sealed class EditorCommand
{
    private readonly string[] _words;

    private EditorCommand(string[] words) => _words = words;

    /// <summary>Finds the editor that VISUAL or EDITOR names, with its arguments.</summary>
    /// <exception cref="WrongUsageException">No editor is set or found, or there is no terminal.</exception>
    public static EditorCommand Find()
    {
        if (!CommandHost.Current.IsInteractive)
            throw new WrongUsageException("No terminal for an editor: pass the new message with --message FILE, or - for standard input");
        var words = (CommandContext.Setting("VISUAL") ?? CommandContext.Setting("EDITOR") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            throw new WrongUsageException("Set EDITOR, or pass the new message with --message FILE");
        return Exists(words[0]) ? new EditorCommand(words) : throw new WrongUsageException($"Editor {words[0]} not found: set EDITOR to another one. Nothing was replayed");
    }

    /// <summary>Opens the message in the editor, and waits until the editor exits.</summary>
    /// <returns>The edited message.</returns>
    public async Task<string> RunAsync(string message, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("workinit-"); // only its owner can read it
        try
        {
            var path = Path.Combine(folder.FullName, "message.json");
            await File.WriteAllTextAsync(path, message, cancellationToken);
            using var process = Start(path);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? await File.ReadAllTextAsync(path, cancellationToken) : throw new WrongUsageException($"{_words[0]} exited with code {process.ExitCode}. Nothing was replayed");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private Process Start(string path)
    {
        try
        {
            return Process.Start(_words[0], [.. _words[1..], path]);
        }
        catch (Win32Exception e)
        {
            throw new WrongUsageException($"{_words[0]} can't be started ({e.Message}): set EDITOR to another one. Nothing was replayed");
        }
    }

    // On Windows, a name can mean several files (.exe, .cmd), so only a start shows whether it exists.
    private static bool Exists(string command) =>
        OperatingSystem.IsWindows() || File.Exists(command)
        || (!command.Contains('/', StringComparison.Ordinal) && (CommandContext.Setting("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, command))));
}
