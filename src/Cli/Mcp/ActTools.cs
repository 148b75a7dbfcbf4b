using System.Collections.Concurrent;
using System.ComponentModel;
using System.Security.Cryptography;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Mcp;

/// <summary>The tools that act: a dry run, and the run after a person has confirmed it. Nothing here can confirm.</summary>
/// <param name="context">The broker or the server.</param>
/// <param name="folder">Where dry runs wait for a person.</param>
/// <param name="reveals">Whether the program may see a dead letter unmasked. Without that, it can't write the complete message of an edit.</param>
internal sealed class ActTools(CommandContext context, DryRunFolder folder, bool reveals)
{
    private const int IdBytes = 6; // a person types it
    private const int MostWaiting = 50;

    private readonly ConcurrentDictionary<string, WaitingAct> _waiting = new();

    public IEnumerable<McpServerTool> All =>
    [
        McpServerTool.Create(DryRunAsync, Options("dry_run", "Shows what an operation on dead letters would do, and moves nothing. Returns an id and the command with which a person confirms it in a terminal.", destructive: false)),
        McpServerTool.Create(RunAsync, Options("run", "Runs a dry run that a person has confirmed, once, and returns the outcomes. Refused without the confirmation.", destructive: true)),
    ];

    private Task<CallToolResult> DryRunAsync(
        [Description("replay, discard, restore, edit or repair")] string verb, [Description("The queue")] string queue, [Description(Selection.Words)] string[]? where = null, [Description("Selects all dead letters of the queue")] bool all = false,
        [Description("Replays one message first, and goes on only if it was handled")] bool canary = false, [Description("Messages per second")] double? pace = null, [Description("For edit: the message after the edit, as JSON")] string? message = null,
        [Description("For repair: a JSON Patch (RFC 6902)")] string? patch = null, CancellationToken cancellationToken = default) => ToolAnswer.OfAsync(async () =>
    {
        var letters = context.NewLetters(acceptsCost: false);
        var act = Create(letters, reveals, verb, new OperationRequest { Queue = queue, Filter = Selection.Of(where, all), By = $"{context.By} (mcp)" }, new Extra(canary, pace, message, patch));
        await CostlyQueues.CheckAsync(letters, verb == "restore" ? await letters.DiscardedQueueAsync(queue, cancellationToken) : queue, verb, cancellationToken);
        var (plan, repairs) = await act.Operation.PlanAsync(cancellationToken);
        if (plan.Held == 0)
            throw new NothingThereException($"{plan.Queue} is empty");
        var text = act.Describe(plan, repairs);
        if (plan.Done + plan.Settled == 0)
            return $"{text}\nNothing would be moved, so there is nothing to confirm.";
        return Wait(act, text, plan.Done);
    });

    private Task<CallToolResult> RunAsync([Description("The id of the dry run")] string dryRunId, CancellationToken cancellationToken = default) => ToolAnswer.OfAsync(async () =>
    {
        if (!_waiting.TryGetValue(dryRunId, out var waiting))
            throw new NotFoundException($"Dry run {dryRunId} not found: it was run, it has expired, or another process made it. Make a new one");
        var confirmation = folder.Confirmation(waiting.Shown);
        if (confirmation != Confirmation.Given)
        {
            throw new WrongUsageException(confirmation == Confirmation.Expired
                ? "The dry run has expired: since then, the queue may have changed. Make a new one"
                : $"No person has confirmed this dry run. Ask one to read it, and to run in a terminal: {CommandOf(dryRunId)}");
        }
        var (now, _) = await waiting.Act.Operation.PlanAsync(cancellationToken);
        if (now.Done > waiting.Shown.Count)
            throw new WrongUsageException($"{now.Done} messages match now, and a person has confirmed {waiting.Shown.Count}. Make a new dry run");
        if (!_waiting.TryRemove(dryRunId, out _)) // another request took it
            throw new NotFoundException($"Dry run {dryRunId} was run");
        folder.Remove(dryRunId);
        return waiting.Act.DescribeResult(await waiting.Act.Operation.RunAsync(cancellationToken));
    });

    private string Wait(PlannedAct act, string text, long count)
    {
        foreach (var old in _waiting.Values.Where(old => DryRunFolder.IsExpired(old.Shown)))
            _waiting.TryRemove(old.Shown.Id, out _);
        if (_waiting.Count >= MostWaiting)
            throw new WrongUsageException($"{MostWaiting} dry runs wait for a person. Let one confirm or wait until they expire");
        var shown = new ShownDryRun(RandomNumberGenerator.GetHexString(2 * IdBytes, lowercase: true), act.Title, text, count, context.IsRemote ? "" : Environment.UserName, DateTimeOffset.UtcNow + DryRunFolder.Life);
        folder.Write(shown);
        _waiting[shown.Id] = new WaitingAct(act, shown);
        return $"{text}\nDry run {shown.Id}. It moves nothing until a person confirms it. Ask a person to read it, and to run in a terminal within {DryRunFolder.Life.TotalMinutes} minutes: {CommandOf(shown.Id)}\nThen call run with this id.";
    }

    private static PlannedAct Create(IDeadLetters letters, bool reveals, string verb, OperationRequest request, Extra extra)
    {
        var replay = new ReplayRequest
        {
            Queue = request.Queue,
            Filter = request.Filter,
            By = request.By,
            Canary = extra.Canary,
            Pace = extra.Pace is null or (>= ReplayRequest.LeastPace and <= 100_000) ? extra.Pace : throw new WrongUsageException("pace must be a number of messages a second, from 0.0034 to 100000"),
        };
        if (extra.Message is not null && verb != "edit")
            throw new WrongUsageException("message belongs to the verb edit");
        if (extra.Patch is not null && verb != "repair")
            throw new WrongUsageException("patch belongs to the verb repair");
        return verb switch
        {
            "replay" => new PlannedAct(verb, request, letters.Replay(replay, reveal: false)),
            "edit" when !reveals => throw new WrongUsageException("edit needs the complete message unmasked: start mcp with --allow-reveal. Or use repair, which changes single values"),
            "edit" when request.Filter.Ids is { Count: 1 } => new PlannedAct(verb, request, letters.Replay(replay with { Edited = EditCommand.Checked(extra.Message ?? throw new WrongUsageException("edit needs message")) }, reveal: false), extra.Message),
            "edit" => throw new WrongUsageException("edit needs exactly one id: where id=ID"),
            "repair" => new PlannedAct(verb, request, letters.Replay(replay with { Patch = MessagePatch.Parse(extra.Patch ?? throw new WrongUsageException("repair needs patch")) }, reveal: false), extra.Patch),
            "discard" => new PlannedAct(verb, request, letters.Discard(new DiscardRequest { Queue = request.Queue, Filter = request.Filter, By = request.By })),
            "restore" => new PlannedAct(verb, request, letters.Restore(request)),
            _ => throw new WrongUsageException($"“{verb}” is not a verb: use replay, discard, restore, edit or repair"),
        };
    }

    private static string CommandOf(string id) => $"workinit dead-letters confirm {id}";

    private static McpServerToolCreateOptions Options(string name, string description, bool destructive) => new() { Name = name, Description = description, ReadOnly = false, Destructive = destructive, OpenWorld = false };

    private sealed record Extra(bool Canary, double? Pace, string? Message, string? Patch);

    private sealed record WaitingAct(PlannedAct Act, ShownDryRun Shown);
}
