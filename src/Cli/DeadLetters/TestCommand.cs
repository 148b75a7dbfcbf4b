using System.CommandLine;
using System.Text;
using WorkinIt.Cli.DeadLetters.Testing;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters test 3f2a… --output PlaceOrderTests.cs</c></summary>
internal static class TestCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var id = new Argument<string>("id") { Description = "Dead letter id or message id" };
        var output = new Option<string?>("--output", "-o") { Description = "Write this file (default: standard output); --yes overwrites an existing one", HelpName = "FILE" };
        var reveal = new Option<bool>("--reveal") { Description = "Write what users typed, too; the audit log records it" };
        var space = new Option<string>("--namespace") { Description = "The namespace of the test", DefaultValueFactory = _ => "DeadLetterTests", HelpName = "NAMESPACE" };
        var command = new Command("test", """
            Writes an xunit test that gives the message of a dead letter to its consumer, with MassTransit's test harness. It fails with the exception
            of the dead letter until the consumer is fixed. Values are masked and keep their type. Without --queue, searches all dead-letter queues.

            Examples:
              workinit dead-letters test 9f86d081884c7d65 --queue orders_error
              workinit dead-letters test 0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d --output tests/PlaceOrderTests.cs --namespace Shop.Tests --reveal
            """)
        { id, common.Queue, output, reveal, space, common.Yes, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            if (parsed.GetValue(space)!.Split('.').Any(part => CSharpText.Identifier(part) != part))
                throw new WrongUsageException($"--namespace: “{parsed.GetValue(space)}” is not a namespace of C#");
            var letter = await FindAsync(context, parsed.GetValue(id)!, parsed.GetValue(common.Queue), parsed.GetValue(common.Yes), cancellationToken);
            var test = LetterTest.Write(letter, parsed.GetValue(reveal), parsed.GetValue(space)!);
            var file = parsed.GetValue(output);
            if (file is not null && File.Exists(file) && !context.Confirm($"{file} exists. Overwrite it?", parsed.GetValue(common.Yes)))
                return ExitCode.Incomplete;
            if (parsed.GetValue(reveal))
                await context.Broker.RevealedAsync(letter, context.By, cancellationToken);
            await WriteAsync(test, file, cancellationToken);
            return ExitCode.Done;
        }, needsBroker: true));
        return command;
    }

    private static async Task<DeadLetter> FindAsync(CommandContext context, string id, string? queue, bool yes, CancellationToken cancellationToken)
    {
        if (queue is not null)
        {
            await context.ConfirmAccessAsync(queue, yes, cancellationToken);
            return await context.Broker.FindAsync(queue, id, context.By, cancellationToken) ?? throw new NotFoundException($"Dead letter {id} not found in {queue}");
        }
        var found = await EverywhereAsync(context, id, cancellationToken);
        return found switch
        {
            [] => throw new NotFoundException($"{id} not found in the queues that were searched"),
            [var only] => only,
            _ => throw new WrongUsageException($"{id} is in several queues. Select one with --queue: {string.Join(", ", found.Select(letter => letter.Queue))}"),
        };
    }

    // Reports on standard error the queues that were not searched.
    private static async Task<DeadLetter[]> EverywhereAsync(CommandContext context, string id, CancellationToken cancellationToken)
    {
        var (places, notLookedInto) = await context.Broker.SearchAsync(id, context.By, cancellationToken);
        foreach (var queue in notLookedInto)
            await Terminal.ErrorAsync($"Not searched: {queue.Name}. {queue.AccessWarning}");
        return [.. places.Select(place => place.Letter)];
    }

    private static async Task WriteAsync(string test, string? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            await CommandHost.Current.Out.WriteAsync(test);
            return;
        }
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder)
                Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync(file, test, new UTF8Encoding(false), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WrongUsageException($"{file} can't be written: {e.Message}");
        }
        await Terminal.ErrorAsync($"Written: {file}. If the test can't create the consumer, add its services in a second file: the comment in the file shows how.");
    }
}
