using System.ComponentModel;
using System.Diagnostics;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>The person's own editor, in which a message is changed.</summary>
internal sealed class EditorCommand
{
    private readonly string[] _words;

    private EditorCommand(string[] words) => _words = words;

    /// <summary>The one that VISUAL or EDITOR names, with its arguments.</summary>
    /// <exception cref="WrongUsageException">There is none, or no terminal for it.</exception>
    public static EditorCommand Find()
    {
        if (!CommandContext.IsInteractive)
            throw new WrongUsageException("There is no terminal to edit in: give the new message by --message FILE, or - for standard input");
        var words = (CommandContext.Setting("VISUAL") ?? CommandContext.Setting("EDITOR") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            throw new WrongUsageException("Set EDITOR, or give the new message by --message FILE");
        return IsThere(words[0]) ? new EditorCommand(words) : throw new WrongUsageException($"{words[0]} can't be found: set EDITOR to another one. Nothing was replayed");
    }

    /// <summary>Opens the message in it, and waits until the person is done.</summary>
    /// <returns>The message as it is then.</returns>
    public async Task<string> RunAsync(string message, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("workinit-"); // readable by its owner alone
        try
        {
            var path = Path.Combine(folder.FullName, "message.json");
            await File.WriteAllTextAsync(path, message, cancellationToken);
            using var process = Start(path);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? await File.ReadAllTextAsync(path, cancellationToken) : throw new WrongUsageException($"{_words[0]} ended with {process.ExitCode}: nothing was replayed");
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

    // On Windows a name stands for several files (.exe, .cmd): there only the start tells.
    private static bool IsThere(string command) =>
        OperatingSystem.IsWindows() || File.Exists(command)
        || (!command.Contains('/', StringComparison.Ordinal) && (CommandContext.Setting("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, command))));
}
