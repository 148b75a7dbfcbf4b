using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>A dry run or a run that goes on by itself, whoever looks at it.</summary>
internal sealed class RunningOperation : IProgress<OperationProgress>, IDisposable
{
    private readonly CancellationTokenSource _cancel;
    private int _taken;
    private volatile OperationProgress _progress = new(0, 0, 0, 0, 0, false);

    public RunningOperation(RequestedOperation act, string by, bool isDryRun, DateTimeOffset startedAt, CancellationToken stopping)
    {
        (Request, By, IsDryRun, StartedAt) = (act, by, isDryRun, startedAt);
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    }

    /// <summary>Names it in addresses; nobody can guess one.</summary>
    public string Id { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

    public RequestedOperation Request { get; }

    public string By { get; }

    public bool IsDryRun { get; }

    public DateTimeOffset StartedAt { get; }

    public OperationProgress Progress => _progress;

    public Task Completion { get; private set; } = Task.CompletedTask;

    public bool IsRunning => !Completion.IsCompleted;

    public OperationResult? Result { get; private set; }

    /// <summary>Why there is no result.</summary>
    public string? Problem { get; private set; }

    public bool IsCancelled => _cancel.IsCancellationRequested;

    public string Title => $"{(IsDryRun ? "dry run: " : "")}{Request.Word} {Request.Which} of {Request.Queue}";

    /// <summary>Whether this is the first who wants a dry run followed by its run: a second click must not do it twice.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    public void Report(OperationProgress value) => _progress = value;

    public void Cancel() => _cancel.Cancel();

    [SuppressMessage("Design", "CA1031", Justification = "Nobody awaits it: whatever broke is told on its page, and logged")]
    public void Start(Func<RunningOperation, CancellationToken, Task<OperationResult>> work, Func<Exception, string> tell) =>
        Completion = Task.Run(async () =>
        {
            try
            {
                Result = await work(this, _cancel.Token);
            }
            catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
            {
                Problem = "It was cancelled: what was not moved stands where it was.";
            }
            catch (Exception e)
            {
                Problem = tell(e);
            }
        });

    public void Dispose() => _cancel.Dispose();
}
