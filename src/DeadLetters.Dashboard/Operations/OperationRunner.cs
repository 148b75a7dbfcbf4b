using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>
/// Runs operations behind the pages. It remembers them while the process lives: what was done stands in the audit and on the messages,
/// and an operation that a sudden death cuts off can be run again.
/// </summary>
internal sealed partial class OperationRunner(DeadLetterClient broker, TimeProvider time, ILogger<OperationRunner> log) : IHostedService, IDisposable
{
    private const int Remembered = 200; // each holds the outcome of its messages
    private static readonly TimeSpan _shortly = TimeSpan.FromSeconds(1.5);

    private readonly ConcurrentDictionary<string, RunningOperation> _operations = new();
    private readonly CancellationTokenSource _stopping = new();

    public IReadOnlyList<RunningOperation> Running => [.. _operations.Values.Where(operation => operation.IsRunning).OrderBy(operation => operation.StartedAt)];

    public RunningOperation? Find(string id) => _operations.GetValueOrDefault(id);

    /// <summary>Starts one, and waits a moment: most are done by then, and the page can show it at once.</summary>
    public async Task<RunningOperation> StartAsync(RequestedOperation act, string by, bool isDryRun)
    {
        var operation = new RunningOperation(act, by, isDryRun, time.GetUtcNow(), _stopping.Token);
        operation.Start(isDryRun ? JudgeAsync : RunAsync, Describe);
        _operations[operation.Id] = operation;
        Forget();
        await Task.WhenAny(operation.Completion, Task.Delay(_shortly, time));
        return operation;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends what goes on between two messages, so that what is held goes back in its order.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(Running.Select(operation => operation.Completion)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        foreach (var operation in _operations.Values)
            operation.Dispose();
    }

    private Task<OperationResult> JudgeAsync(RunningOperation operation, CancellationToken cancellationToken) =>
        operation.Request.Verb == Verb.Replay
            ? broker.PlanAsync(operation.Request.AsReplay(operation.By), operation, cancellationToken)
            : CountAsync(operation, cancellationToken);

    // Nothing speaks against a discard or a restore but the broker itself: how many are meant is all there is to know before.
    private async Task<OperationResult> CountAsync(RunningOperation operation, CancellationToken cancellationToken)
    {
        var (queue, filter) = (operation.Request.Queue, operation.Request.Filter);
        var page = await broker.ListAsync(queue, filter, 0, 1, operation.By, cancellationToken);
        return new OperationResult("", queue, page.Matching, page.Matching, [], [], null);
    }

    private Task<OperationResult> RunAsync(RunningOperation operation, CancellationToken cancellationToken)
    {
        var (act, by) = (operation.Request, operation.By);
        return act.Verb switch
        {
            Verb.Discard => broker.DiscardAsync(new DiscardRequest { Queue = act.Queue, Filter = act.Filter, By = by, WasSent = act.WasSent }, operation, cancellationToken),
            Verb.Restore => broker.RestoreAsync(new OperationRequest { Queue = act.Queue, Filter = act.Filter, By = by }, operation, cancellationToken),
            _ => broker.ReplayAsync(act.AsReplay(by), operation, cancellationToken),
        };
    }

    private string Describe(Exception e)
    {
        if (e is DeadLetterException)
            return e.Message;
        LogBroken(e);
        return "It broke, and the log of this application says why. What was not confirmed by the broker stands where it was: it is safe to run it again.";
    }

    private void Forget()
    {
        foreach (var old in _operations.Values.Where(operation => !operation.IsRunning).OrderByDescending(operation => operation.StartedAt).Skip(Remembered))
            _operations.TryRemove(old.Id, out _);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "An operation on dead letters broke")]
    private partial void LogBroken(Exception e);
}
