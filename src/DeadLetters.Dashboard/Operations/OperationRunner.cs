using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>
/// Runs operations in the background. It keeps them in memory, and shows them to other instances if there is a catalogue. After a crash, the audit
/// log shows what was started, and a dry run what is left to do.
/// </summary>
internal sealed partial class OperationRunner(
    TimeProvider time, ILogger<OperationRunner> log, OperationSharing? sharing = null) : IHostedService, IDisposable
{
    private const int Remembered = 200; // each keeps the outcome of its messages in memory
    private static readonly TimeSpan _initialWait = TimeSpan.FromSeconds(1.5);

    private readonly ConcurrentDictionary<string, RunningOperation> _operations = new();
    private readonly CancellationTokenSource _stopping = new();

    public IReadOnlyList<RunningOperation> Running => [.. _operations.Values.Where(operation => operation.IsRunning).OrderBy(operation => operation.StartedAt)];

    /// <summary>All that are kept, the newest first.</summary>
    public IReadOnlyList<RunningOperation> All => [.. _operations.Values.OrderByDescending(operation => operation.StartedAt)];

    public RunningOperation? Find(string id) => _operations.GetValueOrDefault(id);

    /// <summary>Starts an operation and waits a moment: most have ended by then, and the page can show the result immediately.</summary>
    public async Task<RunningOperation> StartAsync(RequestedOperation requested, string by, bool isDryRun)
    {
        var operation = new RunningOperation(requested, by, isDryRun, time.GetUtcNow(), _stopping.Token);
        operation.Start(isDryRun ? JudgeAsync : RunAsync, Describe);
        _operations[operation.Id] = operation;
        if (sharing is not null)
            operation.Sharing = sharing.ShareAsync(operation);
        Forget();
        await Task.WhenAny(operation.Completion, Task.Delay(_initialWait, time));
        return operation;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops running operations between two messages, so that unacked messages return to the queue in order.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_operations.Values.SelectMany<RunningOperation, Task>(operation => [operation.Completion, operation.Sharing]))
            .WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        foreach (var operation in _operations.Values)
            operation.Dispose();
    }

    private static Task<OperationResult> JudgeAsync(RunningOperation operation, CancellationToken cancellationToken) =>
        operation.Request.Verb switch
        {
            Verb.Replay => operation.Request.Source.Client.PlanAsync(operation.Request.AsReplay(operation.By, operation.Request.Source.Options.OutcomeWait), operation, cancellationToken),
            Verb.Discard => operation.Request.Source.Client.PlanDiscardAsync(operation.Request.AsDiscard(operation.By), operation, cancellationToken),
            _ => CountAsync(operation, cancellationToken),
        };

    // Only the broker can refuse a restore, so its dry run only counts the messages.
    private static async Task<OperationResult> CountAsync(RunningOperation operation, CancellationToken cancellationToken)
    {
        var (queue, filter) = (operation.Request.Queue, operation.Request.Filter);
        var page = await operation.Request.Source.Client.ListAsync(queue, filter, 0, 1, operation.By, cancellationToken);
        return new OperationResult("", queue, page.Matching, page.Matching, [], [], null) { Held = page.Ready + page.Hidden };
    }

    private Task<OperationResult> RunAsync(RunningOperation operation, CancellationToken cancellationToken)
    {
        var (requested, by, broker) = (operation.Request, operation.By, operation.Request.Source.Client);
        return requested.Verb switch
        {
            Verb.Discard => broker.DiscardAsync(requested.AsDiscard(by), operation, cancellationToken),
            Verb.Restore => broker.RestoreAsync(new OperationRequest { Queue = requested.Queue, Filter = requested.Filter, By = by, Expected = requested.Expected }, operation, cancellationToken),
            // With a catalogue, the outcomes after the end are there.
            _ => broker.ReplayAsync(requested.AsReplay(by, requested.Source.Options.OutcomeWait) with { OperationId = operation.Id, FollowsLater = sharing is null, OnPause = operation.AskAsync, PauseRequest = () => operation.PauseRequest }, operation, cancellationToken),
        };
    }

    private string Describe(Exception e)
    {
        if (e is DeadLetterException)
            return e.Message;
        LogFailed(e);
        return "The operation failed; the reason is in the log of this application. Messages that the broker did not confirm are where they were, and may be in their target queue too: see “Not confirmed, or not acknowledged” in the audit log before you run it again.";
    }

    private void Forget()
    {
        foreach (var old in _operations.Values.Where(operation => !operation.IsRunning).OrderByDescending(operation => operation.StartedAt).Skip(Remembered))
        {
            if (_operations.TryRemove(old.Id, out _) && old.Result?.Later is { } later)
                _ = later.DisposeAsync().AsTask();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "An operation on dead letters failed")]
    private partial void LogFailed(Exception e);
}
