using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>A dry run or a run in the background. It continues whether or not a page shows it.</summary>
internal sealed class RunningOperation : IProgress<OperationProgress>, IDisposable
{
    private readonly CancellationTokenSource _cancel;
    private int _taken;
    private bool? _wasRunning; // of a copy
    private TaskCompletionSource<PauseAnswer>? _answer;
    private volatile string? _pauseRequest;
    private volatile OperationProgress _progress = new(0, 0, 0, 0, 0, false);

    public RunningOperation(RequestedOperation requested, string by, bool isDryRun, DateTimeOffset startedAt, CancellationToken stopping)
    {
        (Request, By, IsDryRun, StartedAt) = (requested, by, isDryRun, startedAt);
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    }

    /// <summary>The id in addresses. It is random, so that it can't be guessed.</summary>
    public string Id { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

    public RequestedOperation Request { get; }

    public string By { get; }

    public bool IsDryRun { get; }

    public DateTimeOffset StartedAt { get; }

    /// <summary>When it ended; later than any other time while it runs.</summary>
    public DateTimeOffset EndedAt { get; private set; } = DateTimeOffset.MaxValue;

    public OperationProgress Progress => _progress;

    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Ends when other instances know the end of the operation.</summary>
    public Task Sharing { get; set; } = Task.CompletedTask;

    public bool IsRunning => _wasRunning ?? !Completion.IsCompleted;

    public OperationResult? Result { get; private set; }

    /// <summary>Of a dry run: how many messages its run would take from the queue. Some only go, because an earlier replay has published them.</summary>
    public long ToDo => Result is { } result ? result.Done + result.Settled : 0;

    /// <summary>Why there is no result; null if there is one.</summary>
    public string? Problem { get; private set; }

    /// <summary>What went wrong at the broker; null if nothing did.</summary>
    public DeadLetterProblem? ProblemKind { get; private set; }

    /// <summary>Whether it can be paused: it is a replay.</summary>
    public bool CanPause => !IsDryRun && Request.Verb == Verb.Replay;

    /// <summary>The user who has asked for a pause that has not begun; null if nobody has.</summary>
    public string? PauseRequest => _pauseRequest;

    public bool IsCancelled => _cancel.IsCancellationRequested;

    public string Title => $"{(IsDryRun ? "dry run: " : "")}{Request.Word} {Request.Which} in {Request.Source.Place(Request.Queue)}";

    /// <summary>The operation as it is now, for a page or an answer that reads it several times: it may end in between. Only to be read.</summary>
    public RunningOperation Seen()
    {
        var isRunning = IsRunning; // read first: what it has at its end is complete then
        var seen = (RunningOperation)MemberwiseClone();
        seen._wasRunning = isRunning;
        if (isRunning)
            (seen.Result, seen.Problem, seen.ProblemKind, seen.EndedAt) = (null, null, null, DateTimeOffset.MaxValue);
        return seen;
    }

    /// <summary>Returns true for the first request to run this dry run, so that a second click does not run it twice.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    public void Report(OperationProgress value) => _progress = value;

    /// <summary>Waits until a user ends the pause.</summary>
    public async Task<PauseAnswer> AskAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<PauseAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _answer, answer);
        _pauseRequest = null;
        _progress = _progress with { Paused = pause };
        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Asks for a pause; nothing happens if it is paused already.</summary>
    /// <param name="by">The user.</param>
    public void Pause(string by)
    {
        if (CanPause && IsRunning && Progress.Paused is null)
            _pauseRequest = by;
    }

    /// <summary>Ends a pause; false if the operation is not paused.</summary>
    public bool TryAnswer(PauseAnswer answer) => Interlocked.Exchange(ref _answer, null)?.TrySetResult(answer) ?? false;

    public void Cancel() => _cancel.Cancel();

    [SuppressMessage("Design", "CA1031", Justification = "Nothing awaits it: its page shows any failure, and the log has it")]
    public void Start(Func<RunningOperation, CancellationToken, Task<OperationResult>> work, Func<Exception, string> describe) =>
        Completion = Task.Run(async () =>
        {
            try
            {
                Result = await work(this, _cancel.Token);
                EndedAt = DateTimeOffset.UtcNow;
            }
            catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
            {
                Problem = "It was cancelled. Messages that were not moved are where they were.";
            }
            catch (Exception e)
            {
                (Problem, ProblemKind) = (describe(e), (e as DeadLetterException)?.Problem);
            }
        });

    public void Dispose() => _cancel.Dispose();
}
