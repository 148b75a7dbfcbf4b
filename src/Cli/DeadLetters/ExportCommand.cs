using System.CommandLine;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters export --queue send-gif-email_error &gt; dead-letters.jsonl</c></summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var output = new Option<string?>("--output", "-o") { Description = "Create this file, readable only by you (default: standard output)", HelpName = "FILE" };
        var command = new Command("export", """
            Writes dead letters as JSON Lines, one object per line: the body in base64, headers with their AMQP types. Nothing is masked: the
            output contains what users typed. The messages stay in their queue; import adds them again.

            Examples:
              workinit dead-letters export --queue send-gif-email_error > dead-letters.jsonl
              workinit dead-letters export --where exception=Timeout --output timeouts.jsonl
            """)
        { common.Queue, common.Where, output, common.Yes, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken);
            await context.ConfirmAccessAsync(queue, parsed.GetValue(common.Yes), cancellationToken);
            var filter = common.Filter(parsed);
            await using var stream = parsed.GetValue(output) is { } path ? Create(path) : CommandHost.Current.OpenOut();
            var count = await context.Letters.ExportAsync(queue, filter, stream, cancellationToken);
            await Terminal.ErrorAsync($"{ListCommand.Number(count)} exported from {queue}.");
            return count > 0 || filter.IsEmpty || await context.Letters.FindQueueAsync(queue, cancellationToken) is { Messages: 0 } ? ExitCode.Done : ExitCode.Incomplete;
        }));
        return command;
    }

    private static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            return new FileStream(path, options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WrongUsageException(File.Exists(path) ? $"{path} already exists: use another file name" : e.Message);
        }
    }
}
