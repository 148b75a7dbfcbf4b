using System.ComponentModel;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Mcp;

/// <summary>The tools that look, and change nothing.</summary>
/// <param name="context">The broker or the server.</param>
/// <param name="reveals">Whether a dead letter may be shown unmasked.</param>
internal sealed class ViewTools(CommandContext context, bool reveals)
{
    private const int MostLetters = 200;
    private const int MostEntries = 200;

    public IEnumerable<McpServerTool> All =>
    [
        McpServerTool.Create(QueuesAsync, Options("list_queues", "Lists the dead-letter queues with their counts, and the operations that run.")),
        McpServerTool.Create(CausesAsync, Options("list_causes", "Lists the causes of the dead letters in a queue, the largest first: exception, place in the code, count.")),
        McpServerTool.Create(LettersAsync, Options("list_letters", "Lists dead letters of a queue, masked.")),
        reveals
            ? McpServerTool.Create(ShowOrRevealAsync, Options("show_letter", "Shows a dead letter: its message, why and where it failed, its headers. Masked unless reveal is true, which the audit log records."))
            : McpServerTool.Create(ShowAsync, Options("show_letter", "Shows a dead letter, masked: its message, why and where it failed, its headers.")),
        McpServerTool.Create(AuditAsync, Options("list_audit", "Shows who did what to dead letters, newest first.")),
    ];

    private Task<CallToolResult> QueuesAsync(CancellationToken cancellationToken) => ToolAnswer.OfAsync(async () =>
    {
        var letters = context.NewLetters();
        var queues = await letters.QueuesAsync(cancellationToken);
        return CommandContext.ToJson(new
        {
            queues = queues.Select(one => new { one.Source, one.Queue.Name, one.Queue.Messages, one.Queue.IsDiscarded, one.Queue.AccessWarning }),
            notices = await letters.NoticesAsync(cancellationToken),
        });
    });

    private Task<CallToolResult> CausesAsync(
        [Description("The queue")] string queue, [Description(Selection.Words)] string[]? where = null, CancellationToken cancellationToken = default) => ToolAnswer.OfAsync(async () =>
    {
        var letters = await CostlyQueues.OpenAsync(context, queue, cancellationToken);
        var page = await letters.CausesAsync(queue, DeadLetterFilter.Parse(where ?? []), cancellationToken);
        return CommandContext.ToJson(page.Groups.Select(group => new { cause = group.Cause.Id, exception = group.Cause.ExceptionType, text = Masking.Text(group.Cause.Text), place = group.Cause.Frame, group.Count, group.First, group.Last, group.Example }));
    });

    private Task<CallToolResult> LettersAsync(
        [Description("The queue")] string queue, [Description(Selection.Words)] string[]? where = null, [Description("How many, up to 200")] int limit = 20, CancellationToken cancellationToken = default) => ToolAnswer.OfAsync(async () =>
    {
        var letters = await CostlyQueues.OpenAsync(context, queue, cancellationToken);
        return CommandContext.ToJson(await letters.LettersAsync(queue, DeadLetterFilter.Parse(where ?? []), Math.Clamp(limit, 1, MostLetters), cancellationToken));
    });

    private Task<CallToolResult> ShowAsync(
        [Description("The dead letter's id, or its MessageId")] string id, [Description("The queue; without it, all queues are searched")] string? queue = null, CancellationToken cancellationToken = default) =>
        ShowOrRevealAsync(id, queue, reveal: false, cancellationToken);

    private Task<CallToolResult> ShowOrRevealAsync(
        [Description("The dead letter's id, or its MessageId")] string id, [Description("The queue; without it, all queues are searched")] string? queue = null, [Description("Shows it unmasked; the audit log records that")] bool reveal = false,
        CancellationToken cancellationToken = default) => ToolAnswer.OfAsync(async () =>
    {
        var letters = queue is null ? context.NewLetters(acceptsCost: false) : await CostlyQueues.OpenAsync(context, queue, cancellationToken);
        var found = await letters.FindAsync(queue, id, reveal && reveals, cancellationToken);
        return found.Letters.Count == 0
            ? throw new NotFoundException(string.Join('\n', found.NotSearched.Select(skipped => $"Not searched: {skipped}")
                .Prepend($"Dead letter {id} not found in the queues that were searched. {found.Known ?? "That does not show whether it was handled"}")))
            : string.Join('\n', found.Letters.Select(letter => letter.Json).Concat(found.NotSearched.Select(skipped => $"Not searched: {skipped}")));
    });

    private Task<CallToolResult> AuditAsync(
        [Description("Only entries of this queue")] string? queue = null, [Description("How many, up to 200")] int limit = 20, CancellationToken cancellationToken = default) => ToolAnswer.OfAsync(async () =>
        CommandContext.ToJson((await context.NewLetters().AuditAsync(queue, Math.Clamp(limit, 1, MostEntries), cancellationToken))
            .Select(entry => new { entry.Entry.Id, entry.Entry.At, entry.Entry.EndedAt, entry.Entry.By, entry.Entry.Verb, entry.Entry.Queue, entry.Entry.Filter, entry.Entry.Selected, entry.Entry.Done, entry.Entry.Refused, entry.Entry.Results, entry.Entry.Problem })));

    private static McpServerToolCreateOptions Options(string name, string description) => new() { Name = name, Description = description, ReadOnly = true, Destructive = false, OpenWorld = false };
}
