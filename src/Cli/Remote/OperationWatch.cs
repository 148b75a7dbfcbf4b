using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>Follows an operation of a server to its end. A cancel of the command cancels the operation.</summary>
/// <param name="api">The API.</param>
/// <param name="started">The operation.</param>
internal sealed class OperationWatch(ServerClient api, ApiOperation started)
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _answerTakes = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestSilence = TimeSpan.FromMinutes(1); // of a server that is being restarted

    private readonly OperationProblems _problems = new(api);
    private bool _isCancelled;
    private (ReplayPause Pause, DateTimeOffset Until)? _answered; // the server shows a pause for a moment after its end

    /// <summary>The last pause that was seen at which the operation was ended; null if there is none.</summary>
    public ReplayPause? LastPause { get; private set; }

    /// <summary>The answer to a pause if nobody can be asked: it ends the replay. A pause that a user has requested is for that user to end.</summary>
    public async Task<PauseAnswer> EndAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        if (pause.Reason != PauseReason.Requested)
            return PauseAnswer.Stop;
        await Terminal.ErrorAsync($"Paused: {pause.Text}. This command waits until someone resumes or cancels the replay: {_problems.PageOf(started.Id)}");
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return PauseAnswer.Stop; // never: the token ends the wait
    }

    /// <summary>Follows it.</summary>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="onPause">Answers a pause; null: it does not pause.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The operation after its end.</returns>
    /// <exception cref="ServerException">It failed, or the server no longer answers.</exception>
    public async Task<ApiOperation> FollowAsync(IProgress<OperationProgress> progress, Func<ReplayPause, CancellationToken, Task<PauseAnswer>>? onPause, CancellationToken cancellationToken)
    {
        var now = started;
        while (now.State is ApiState.Running or ApiState.Paused)
        {
            progress.Report(Of(now));
            if (cancellationToken.IsCancellationRequested && !_isCancelled)
                await ActAsync("cancel", null);
            else if (PauseOf(now) is { } pause && onPause is not null && !_isCancelled && !IsAnswered(pause))
                await AnswerAsync(pause, onPause, cancellationToken);
            else
                await Task.Delay(_interval, _isCancelled ? CancellationToken.None : cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            now = await AskAsync();
            if (PauseOf(now) is null)
                _answered = null;
        }
        return now.State == ApiState.Ended ? now : throw new ServerException(
            now.Problem ?? "The operation was interrupted: the server that ran it was stopped. Each message is in its dead-letter queue or in its target queue: see “audit”", ExitCode.Of(now.ProblemKind));
    }

    private async Task AnswerAsync(ReplayPause pause, Func<ReplayPause, CancellationToken, Task<PauseAnswer>> onPause, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answer = onPause(pause, ended.Token);
        // Someone may answer on a page meanwhile. Another pause may then have begun, which this answer is not for.
        while (await Task.WhenAny(answer, Task.Delay(_interval, CancellationToken.None)) != answer)
        {
            if (PauseOf(await AskAsync()) != pause)
            {
                await ended.CancelAsync();
                await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }
        }
        if (answer.IsCanceled)
            return;
        var given = await answer;
        if (!given.Resumes)
            LastPause = pause;
        await (given.Resumes ? given.Pace is { } pace ? ActAsync("slower", new Dictionary<string, object?> { ["pace"] = pace }) : ActAsync("resume", null) : ActAsync("cancel", null));
        if (given.Resumes)
            _answered = (pause, DateTimeOffset.UtcNow + _answerTakes);
    }

    private bool IsAnswered(ReplayPause pause) => _answered is { } last && last.Pause == pause && DateTimeOffset.UtcNow < last.Until;

    private Task<ApiOperation> ActAsync(string verb, object? body)
    {
        _isCancelled |= verb == "cancel";
        var key = ServerClient.NewKey();
        return TryAsync(() => api.PostAsync<ApiOperation>($"operations/{started.Id}/{verb}", body, CancellationToken.None, key));
    }

    private Task<ApiOperation> AskAsync() => TryAsync(() => api.GetAsync<ApiOperation>($"operations/{started.Id}", CancellationToken.None));

    // The operation goes on without this command, so an answer is not given up at once.
    private async Task<ApiOperation> TryAsync(Func<Task<ApiOperation>> ask)
    {
        for (var until = DateTimeOffset.UtcNow + _longestSilence; ;)
        {
            try
            {
                return await (started.IsDryRun ? ask() : _problems.WhileRunningAsync(started.Id, ask)); // a dry run moves nothing
            }
            catch (ServerException e) when (e.ExitCode == ExitCode.Unreachable && DateTimeOffset.UtcNow < until)
            {
                await Task.Delay(_interval);
            }
        }
    }

    private static ReplayPause? PauseOf(ApiOperation now) => now is { State: ApiState.Paused, Pause: { } pause } ? new ReplayPause(pause.Reason, pause.Text, pause.SlowerPace) : null;

    private static OperationProgress Of(ApiOperation now) => new(now.Progress.Examined, now.Progress.Total, now.Progress.Done, now.Progress.Refused, now.Progress.Known, now.Progress.IsWaiting)
    {
        Blocked = now.Progress.Blocked,
        OperationId = now.AuditId,
        Paused = now.Pause is { } pause ? new ReplayPause(pause.Reason, pause.Text, pause.SlowerPace) : null,
    };
}
