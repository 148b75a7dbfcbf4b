using System.CommandLine;
using System.Globalization;

namespace WorkinIt.Cli.Mcp;

/// <summary><c>workinit dead-letters confirm 9f2c4d7e8a1b</c></summary>
internal static class ConfirmCommand
{
    public static Command Create()
    {
        var id = new Argument<string>("id") { Description = "The id of the dry run" };
        var command = new Command("confirm", """
            Confirms the dry run of a program that uses “mcp”, so that the program may run it, once, within 15 minutes of the dry run. Shows what it would do, and asks
            for the number of messages. It works on a terminal only.

            Examples:
              workinit dead-letters confirm 9f2c4d7e8a1b
            """)
        { id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                return await RunAsync(DryRunFolder.OfUser(), parsed.GetValue(id)!, cancellationToken);
            }
            catch (Exception e) when (e is WrongUsageException or IOException or UnauthorizedAccessException)
            {
                await Terminal.ErrorAsync(e.Message);
                return ExitCode.WrongUsage;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(DryRunFolder folder, string id, CancellationToken cancellationToken)
    {
        if (CommandHost.Current is { IsInteractive: false } or { IsOutRedirected: true }) // a person must see what is confirmed
            throw new WrongUsageException("A person must confirm a dry run, on a terminal: its input and its output can't be redirected, and this command has no option that answers");
        if (folder.Find(id) is not { } dryRun)
        {
            await Terminal.ErrorAsync($"Dry run {id} not found: it was run, it has expired, or another user's program made it");
            return ExitCode.Incomplete;
        }
        CommandContext.Print($"{dryRun.Title}\n\n{dryRun.Text}");
        await Terminal.ErrorAsync(string.Create(CultureInfo.InvariantCulture, $"A program wants to do this. To let it, type the number of messages ({dryRun.Count}):"));
        var said = await Task.Run(CommandHost.Current.In.ReadLine, CancellationToken.None).WaitAsync(cancellationToken); // a console's ReadLineAsync can't be cancelled
        if (said?.Trim() != dryRun.Count.ToString(CultureInfo.InvariantCulture))
        {
            await Terminal.ErrorAsync("Not confirmed.");
            return ExitCode.Incomplete;
        }
        folder.Confirm(dryRun);
        CommandContext.Print("Confirmed. The program may run it now, once.");
        return ExitCode.Done;
    }
}
