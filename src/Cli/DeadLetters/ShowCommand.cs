using System.CommandLine;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters show 3f2a… --reveal</c></summary>
internal static class ShowCommand
{
    private const int LongestStack = 40;

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
            var named = parsed.GetValue(id)!;
            if (parsed.GetValue(common.Queue) is { } asked)
                await context.ConfirmAccessAsync(asked, parsed.GetValue(common.Yes), cancellationToken);
            var places = parsed.GetValue(common.Queue) is { } queue
                ? await context.Broker.FindAsync(queue, named, context.By, cancellationToken) is { } found ? [found] : []
                : await EverywhereAsync(context, named, cancellationToken);
            if (places.Length == 0)
            {
                await Terminal.ErrorAsync(
                    $"{named} not found in {parsed.GetValue(common.Queue) ?? "the queues that were searched"}. "
                    + (await context.Broker.DescribeAsync(named, cancellationToken) ?? "That does not show whether it was handled"));
                return ExitCode.Incomplete;
            }
            foreach (var letter in places)
            {
                if (parsed.GetValue(reveal))
                    await context.Broker.RevealedAsync(letter, context.By, cancellationToken);
                if (context.Json)
                    WriteJson(new LetterView(letter, parsed.GetValue(reveal)));
                else
                    Write(context.Out, letter, new LetterView(letter, parsed.GetValue(reveal)));
            }
            return ExitCode.Done;
        }));
        return command;
    }

    /// <summary>Searches all dead-letter queues, and reports on standard error those that were not searched.</summary>
    public static async Task<DeadLetter[]> EverywhereAsync(CommandContext context, string id, CancellationToken cancellationToken)
    {
        var (places, notLookedInto) = await context.Broker.SearchAsync(id, context.By, cancellationToken);
        foreach (var queue in notLookedInto)
            await Terminal.ErrorAsync($"Not searched: {queue.Name}. {queue.AccessWarning}");
        return [.. places.Select(place => place.Letter)];
    }

    private static void WriteJson(LetterView view)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            view.Write(writer);
        CommandContext.Print(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static void Write(IAnsiConsole console, DeadLetter letter, LetterView view)
    {
        WriteFacts(console, letter, view);
        var revealed = view.IsRevealed;
        if (view.Message is { } json)
            Section(revealed ? "Message" : "Message, masked (--reveal shows it)", Part(json));
        else if (view.Body is { } text)
            Section(revealed ? "Body" : "Body, masked (--reveal shows it)", Part(text));
        else
            Section("Body", revealed ? Convert.ToHexString(letter.Body.Span[..Math.Min(letter.Body.Length, 512)]) : "binary data (--reveal shows it)");
        if (letter.History.Tries.Count > 0)
            Section("Earlier tries", Tries(letter));
        if (view.StackTrace is { } stack)
            Section("Stack trace", string.Join('\n', stack.Split('\n').Take(LongestStack)));
        if (view.Headers.Where(header => header.Key != "MT-Fault-StackTrace").Concat(view.Properties).ToList() is { Count: > 0 } headers)
            Section(revealed ? "Headers and properties" : "Headers and properties, masked", string.Join('\n', headers.Select(header => $"{header.Key}: {header.Value}")));

        static string Part(ShownText part) => part.IsCut ? $"{part.Text}\n… cut after {ListCommand.Number(part.Text.Length)} characters: export writes the complete text" : part.Text;

        void Section(string title, string text)
        {
            console.WriteLine();
            console.Write(new Rule(Terminal.Cell(title)).LeftJustified());
            CommandContext.Print(text);
        }
    }

    private static string Tries(DeadLetter letter)
    {
        var lines = new List<string>();
        foreach (var one in letter.History.Tries)
        {
            lines.Add($"{ListCommand.Time(one.FailedAt)}  {one.ExceptionType ?? "unknown exception"}{Part(", ", one.Consumer)}{Part(", version ", one.Version)}{Part("; replayed by ", one.ReplayedBy)}{Part(" at ", one.ReplayedAt is { } at ? ListCommand.Time(at) : null)}");
            if (lines.Count == 1 && letter.History.Omitted > 0)
                lines.Add($"{ListCommand.Number(letter.History.Omitted)} more, not recorded");
        }
        lines.Add(letter.History.Tries[^1].Cause == letter.Cause.Id ? "This time: the same cause as before the last replay" : "This time: another cause than before the last replay");
        return string.Join('\n', lines);

        static string Part(string before, string? text) => string.IsNullOrEmpty(text) ? "" : before + text;
    }

    private static void WriteFacts(IAnsiConsole console, DeadLetter letter, LetterView view)
    {
        var facts = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        Fact("Id", letter.Id);
        Fact("Message id", view.MessageId ?? "none");
        Fact("Queue", $"{letter.Queue}, position {ListCommand.Number(letter.Position)}");
        Fact("Failed at", ListCommand.Time(letter.FailedAt));
        Fact("Failed in", letter.FailedIn);
        Fact("Why", $"{letter.ExceptionType}: {view.Reason}");
        Fact("Cause", letter.Cause.Id);
        Fact("Message types", string.Join(", ", letter.MessageTypes));
        Fact("Consumer", letter.Consumer);
        Fact("Retries in place", letter.Retries?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Fact("Host", letter.Host);
        Fact("Last replay", letter.LastReplay is { } replay ? $"by {replay.By} at {ListCommand.Time(replay.At)} ({replay.Count} so far), {replay.Id}" : null);
        Fact("Expires", letter.Expires(DateTimeOffset.UtcNow));
        Fact("Request", letter.ResponseAddress is { } address ? $"its consumer responds to {address}. If that no longer exists, the consumer may run twice: replay --without-response removes the address" : null);
        Fact("Content type", letter.ContentType ?? "none");
        Fact("Size", $"{ListCommand.Number(letter.Body.Length)} bytes");
        Fact("Unreadable", letter.Unreadable);
        console.Write(facts);

        void Fact(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
                facts.AddRow(Terminal.Cell(name), Terminal.Cell(value));
        }
    }
}
