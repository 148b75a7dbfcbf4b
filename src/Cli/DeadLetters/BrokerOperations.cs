using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>A replay, an edit or a repair on a broker.</summary>
internal sealed class BrokerReplay(CommandContext context, ReplayRequest request, bool reveal) : IOperation
{
    private ReplayRequest _request = request;

    public async Task<OperationPlan> PlanAsync(CancellationToken cancellationToken)
    {
        var plan = await Progress.ShowAsync(context, "Checking", progress => context.Broker.PlanAsync(_request, progress, cancellationToken));
        _request = _request with { Expected = plan.Selected + plan.Settled, Causes = plan.Causes };
        return new OperationPlan(plan, _request.Patch is null ? [] : await RepairChanges.OfAsync(context, plan, reveal, cancellationToken));
    }

    public Task<OperationResult> RunAsync(CancellationToken cancellationToken) => SharedOperations.RunAsync(
        context, $"{Word} {CommandContext.Which(_request.Filter)} in {_request.Queue}", _request.Queue,
        (share, token) => new PauseQuestion(context).ReplayAsync((onPause, progress) => context.Broker.ReplayAsync(_request with { OnPause = onPause }, progress, token), share, token),
        result => result.Headline + (result.Stopped is { } stopped ? $". {stopped}" : ""), cancellationToken);

    private string Word => _request.Patch is not null ? "repair and replay" : _request.Edited is not null ? "edit and replay" : "replay";
}

/// <summary>A discard or a restore on a broker.</summary>
internal sealed class BrokerMove(
    CommandContext context, string verb, OperationRequest request, string from, Func<IProgress<OperationProgress>, CancellationToken, Task<OperationResult>> plan,
    Func<OperationRequest, IProgress<OperationProgress>, CancellationToken, Task<OperationResult>> move) : IOperation
{
    private OperationRequest _request = request;

    public async Task<OperationPlan> PlanAsync(CancellationToken cancellationToken)
    {
        var planned = await Progress.ShowAsync(context, "Checking", progress => plan(progress, cancellationToken));
        _request = _request with { Expected = planned.Selected };
        return new OperationPlan(planned, []);
    }

    public Task<OperationResult> RunAsync(CancellationToken cancellationToken) => SharedOperations.RunAsync(
        context, $"{verb} {CommandContext.Which(_request.Filter)} in {from}", from, verb, (progress, token) => move(_request, progress, token), SharedOperations.Summary, cancellationToken);
}
