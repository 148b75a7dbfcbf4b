using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>An operation at a server. Its dry run is always made: the server starts an operation only with the id of one.</summary>
/// <param name="context">The command.</param>
/// <param name="api">The API.</param>
/// <param name="letters">Finds the source of the queue.</param>
/// <param name="queue">The queue.</param>
/// <param name="body">The request for the dry run, without the queue.</param>
internal sealed class ServerOperation(CommandContext context, ServerClient api, ServerDeadLetters letters, string queue, Dictionary<string, object?> body) : IOperation
{
    private (string Id, OperationResult Result)? _dryRun;

    private string Verb => (string)body["verb"]!;

    private bool IsReplay => Verb is not ("discard" or "restore");

    /// <summary>The id of the dry run; null if there is none.</summary>
    public string? DryRunId => _dryRun?.Id;

    public async Task<OperationPlan> PlanAsync(CancellationToken cancellationToken)
    {
        var source = await letters.SourceOfActAsync(queue, cancellationToken); // of the queue that the user names, and of no other
        var from = Verb == "restore" ? await letters.DiscardedQueueAsync(queue, cancellationToken) : queue;
        var request = new Dictionary<string, object?>(body) { ["queue"] = from };
        if (source is not null)
            request["source"] = source;
        var started = await api.PostAsync<ApiOperation>("dry-runs", request, cancellationToken);
        var ended = await Progress.ShowAsync(context, "Checking", progress => new OperationWatch(api, started).FollowAsync(progress, null, cancellationToken));
        var result = await ServerResult.ReadAsync(api, ended, cancellationToken);
        _dryRun = (ended.Id, result);
        return new OperationPlan(result, [.. (ended.Result?.Repairs ?? []).Select(ServerResult.Shown)]);
    }

    public async Task<OperationResult> RunAsync(CancellationToken cancellationToken)
    {
        if (_dryRun is null)
            await PlanAsync(cancellationToken);
        var (id, plan) = _dryRun!.Value;
        if (plan.Done + plan.Settled == 0)
            return plan; // the server starts nothing that would do nothing
        cancellationToken.ThrowIfCancellationRequested();
        // Without the token: the server starts the operation even if the command goes away. A cancel follows below.
        var started = await new OperationProblems(api).WhileStartingAsync(() => api.PostAsync<ApiOperation>("operations", new Dictionary<string, object?> { ["dryRunId"] = id }, CancellationToken.None));
        var watch = new OperationWatch(api, started);
        var ended = IsReplay
            ? await new PauseQuestion(context).ReplayAsync((onPause, progress) => watch.FollowAsync(progress, onPause ?? watch.EndAsync, cancellationToken), progress => progress, cancellationToken)
            : await Progress.ShowAsync(context, Verb, progress => watch.FollowAsync(progress, null, cancellationToken));
        return await ServerResult.ReadAsync(api, ended, CancellationToken.None, watch.LastPause);
    }
}
