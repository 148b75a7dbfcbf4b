using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>
/// <c>workinit dead-letters list</c> · <c>workinit dead-letters list --queue send-gif-email_error --groups</c>
/// </summary>
internal static class ListCommand
{
    private const int MostVariants = 3; // in a table; --json shows more

    public static Command Create()
    {
        var common = new CommonOptions();
        var groups = new Option<bool>("--groups", "-g") { Description = "Group the dead letters by cause" };
        var limit = new Option<int>("--limit") { Description = "Maximum number of dead letters to show", DefaultValueFactory = _ => 50, HelpName = "N" };
        limit.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var said }] && int.TryParse(said, CultureInfo.InvariantCulture, out var number) && number is < 1 or > 100_000)
                result.AddError("--limit must be 1 to 100000");
        });
        var command = new Command("list", """
            Lists the dead-letter queues. With --queue or --where, lists the dead letters of one queue; with --groups, their causes.

            Examples:
              workinit dead-letters list
              workinit dead-letters list --queue send-gif-email_error --groups
              workinit dead-letters list --where exception=Timeout --where since=2026-01-31T03:00Z
            """)
        { common.Queue, common.Where, groups, limit, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var filter = common.Filter(parsed);
            if (parsed.GetValue(common.Queue) is null && filter.IsEmpty && !parsed.GetValue(groups))
                return await QueuesAsync(context, cancellationToken);
            var queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken);
            await context.ConfirmAccessAsync(queue, parsed.GetValue(common.Yes), cancellationToken);
            return parsed.GetValue(groups)
                ? await GroupsAsync(context, queue, filter, cancellationToken)
                : await LettersAsync(context, queue, filter, parsed.GetValue(limit), cancellationToken);
        }));
        return command;
    }

    private static async Task<int> QueuesAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var queues = await context.Letters.QueuesAsync(cancellationToken);
        if (context.Json)
        {
            if (context.IsRemote)
                CommandContext.WriteJson(queues.Select(one => new { one.Source, one.Queue.Name, one.Queue.Messages, one.Queue.InputQueue, one.Queue.IsDiscarded, one.Queue.AccessWarning, one.Queue.Hidden, one.Queue.HidesReadMessages }));
            else
                CommandContext.WriteJson(queues.Select(one => one.Queue));
            foreach (var line in context.Letters.IsPartial ? await context.Letters.NoticesAsync(cancellationToken) : [])
                await Terminal.ErrorAsync(line);
        }
        else
        {
            foreach (var line in await context.Letters.NoticesAsync(cancellationToken))
                CommandContext.Print(line);
            WriteQueues(context, queues);
        }
        return context.Letters.IsPartial ? ExitCode.Incomplete : ExitCode.Done;
    }

    private static void WriteQueues(CommandContext context, IReadOnlyList<ListedQueue> queues)
    {
        var severalSources = queues.DistinctBy(queue => queue.Source).Skip(1).Any();
        if (queues.All(queue => queue.Queue.Messages == 0))
        {
            CommandContext.Print(queues.Count == 0
                ? "No dead-letter queue exists in this virtual host. MassTransit creates one with its first dead letter; WorkinIt's are created by Consumers --deploy-topology."
                : $"No dead letters in {queues.Count} queues: {string.Join(", ", queues.Select(Name))}.");
            return;
        }
        var table = new Table().Border(TableBorder.Simple).AddColumn("Queue").AddColumn(new TableColumn("Dead letters").RightAligned()).AddColumn("");
        foreach (var queue in queues)
            table.AddRow(Terminal.Cell(Name(queue)), Number(queue.Queue.Messages), Terminal.Cell(queue.Queue.AccessWarning ?? ""));
        context.Out.Write(table);
        CommandContext.Print($"To see the causes: workinit dead-letters list --groups --queue {queues[0].Queue.Name}");

        string Name(ListedQueue queue) => severalSources ? $"{queue.Queue.Name} ({queue.Source})" : queue.Queue.Name;
    }

    private static async Task<int> GroupsAsync(CommandContext context, string queue, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        var page = await context.Letters.CausesAsync(queue, filter, cancellationToken);
        if (context.Json)
        {
            CommandContext.WriteJson(page);
            return ExitCode.Done;
        }
        if (page.Groups.Count == 0)
        {
            CommandContext.Print($"No dead letters in {queue} match.{Hidden(page.Hidden)}");
            return ExitCode.Done;
        }
        var table = new Table().Border(TableBorder.Simple).AddColumn("Cause").AddColumn(new TableColumn("Count").RightAligned()).AddColumn("First").AddColumn("Last").AddColumn("Why");
        foreach (var group in page.Groups)
            table.AddRow(Terminal.Cell(group.Cause.Id), group.CountText, Time(group.First), Time(group.Last), Terminal.Cell($"{Short(group.Cause.ExceptionType)}{(group.Cause.Frame is { } place ? $" in {place}" : "")}: {Texts(group)}"));
        context.Out.Write(table);
        CommandContext.Print($"To see one message of the first cause: workinit dead-letters show {page.Groups[0].Example} --queue {queue}");
        CommandContext.Print($"To check a replay of that cause: workinit dead-letters replay --queue {queue} --where cause={page.Groups[0].Cause.Id} --dry-run");
        return ExitCode.Done;
    }

    private static async Task<int> LettersAsync(CommandContext context, string queue, DeadLetterFilter filter, int limit, CancellationToken cancellationToken)
    {
        var page = await context.Letters.LettersAsync(queue, filter, limit, cancellationToken);
        if (context.Json)
        {
            CommandContext.WriteJson(new { queue, page.Ready, page.Hidden, page.Matching, letters = page.Letters });
            return ExitCode.Done;
        }
        if (page.Letters.Count == 0)
        {
            CommandContext.Print(page.Hidden > 0 ? $"Nothing to show in {queue} now.{Hidden(page.Hidden)}" : $"No dead letters in {queue}{(filter.IsEmpty ? "" : " match")}.");
            return ExitCode.Done;
        }
        var table = new Table().Border(TableBorder.Simple).AddColumn("Id").AddColumn("Message id").AddColumn("Failed at").AddColumn("Why");
        foreach (var letter in page.Letters)
            table.AddRow(Terminal.Cell(letter.Id), Terminal.Cell(letter.MessageId ?? "–"), Time(letter.FailedAt), Terminal.Cell($"{Short(letter.Exception)}: {letter.Reason}{(letter.Expires is { } expires ? $" ({expires})" : "")}"));
        context.Out.Write(table);
        CommandContext.Print($"{Number(page.Letters.Count)} of {(page.Matching is { } all ? Number(all) : "more")}.{Hidden(page.Hidden)}");
        return ExitCode.Done;
    }

    private static string Hidden(long count) => count == 0 ? "" : $" {Number(count)} more are hidden by RabbitMQ's delayed retry since they were last read. They return automatically.";

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A time in the format of all commands: in UTC, and marked as such.</summary>
    public static string Time(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) ?? "–";

    /// <summary>A time from a text in any time zone, in the same format; unchanged if it can't be parsed.</summary>
    public static string Time(string time) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read) ? Time(read) : time;

    private static string Texts(CauseGroup group) => group is { Variants.Count: 1, OtherVariants: 0 }
        ? group.Cause.Text
        : string.Join("\n", group.Variants.Take(MostVariants).Select(variant => $"{Number(variant.Count)} × {variant.Text} (cause={variant.Id})"))
            + (group.Count - group.Variants.Take(MostVariants).Sum(variant => variant.Count) is > 0 and var others ? $"\n{Number(others)} × other texts" : "");

    private static string Short(string? type) => type is null ? "–" : type[(type.LastIndexOf('.') + 1)..];
}
