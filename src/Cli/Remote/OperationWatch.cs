using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>Follows an operation of a server to its end. A cancel of the command cancels the operation.</summary>
/// <param name="api">The API.</param>
/// <param name="id">The operation.</param>
internal sealed class OperationWatch(ServerClient api, string id)
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _longestSilence = TimeSpan.FromMinutes(1); // of a server that is being restarted

    private bool _isCancelled;

    /// <summary>The last pause that was seen at which the operation was ended; null if there is none.</summary>
    public ReplayPause? LastPause { get; private set; }

    /// <summary>The answer to a pause if nobody can be asked.</summary>
    public static Task<PauseAnswer> EndAsync(ReplayPause pause, CancellationToken cancellationToken) => Task.FromResult(PauseAnswer.Stop);

    /// <summary>Follows it.</summary>
    /// <param name="now">What is known about it.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="onPause">Answers a pause; null: it does not pause.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The operation after its end.</returns>
    /// <exception cref="ServerException">It failed, or the server no longer answers.</exception>
    public async Task<ApiOperation> FollowAsync(
        ApiOperation now, IProgress<OperationProgress> progress, Func<ReplayPause, CancellationToken, Task<PauseAnswer>>? onPause, CancellationToken cancellationToken)
    {
        while (now.State is ApiState.Running or ApiState.Paused)
        {
            progress.Report(Of(now));
            if (cancellationToken.IsCancellationRequested && !_isCancelled)
                await ActAsync("cancel", null);
            else if (now is { State: ApiState.Paused, Pause: { } pause } && onPause is not null && !_isCancelled)
                await AnswerAsync(new ReplayPause(pause.Reason, pause.Text, pause.SlowerPace), onPause, cancellationToken);
            else
                await Task.Delay(_interval, _isCancelled ? CancellationToken.None : cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            now = await AskAsync();
        }
        return now.State == ApiState.Ended ? now : throw new ServerException(
            now.Problem ?? "The operation was interrupted: the server that ran it was stopped. Each message is in its dead-letter queue or in its target queue: see “audit”", ExitCode.Incomplete);
    }

    private async Task AnswerAsync(ReplayPause pause, Func<ReplayPause, CancellationToken, Task<PauseAnswer>> onPause, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answer = onPause(pause, ended.Token);
        // Someone may answer on a page meanwhile.
        while (await Task.WhenAny(answer, Task.Delay(_interval, CancellationToken.None)) != answer)
        {
            if (await AskAsync() is not { State: ApiState.Paused })
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
    }

    private async Task ActAsync(string verb, object? body)
    {
        _isCancelled |= verb == "cancel";
        await api.PostAsync<ApiOperation>($"operations/{id}/{verb}", body, CancellationToken.None);
    }

    // The operation goes on without this command, so an answer is not given up at once.
    private async Task<ApiOperation> AskAsync()
    {
        for (var until = DateTimeOffset.UtcNow + _longestSilence; ;)
        {
            try
            {
                return await api.GetAsync<ApiOperation>($"operations/{id}", CancellationToken.None);
            }
            catch (ServerException e) when (e.ExitCode == ExitCode.Unreachable && DateTimeOffset.UtcNow < until)
            {
                await Task.Delay(_interval);
            }
            catch (ServerException e) when (e.ExitCode == ExitCode.Unreachable)
            {
                throw new ServerException($"{e.Message}. The operation {id} may still run there: see {new Uri(api.Address.Pages, $"operations/{id}")}", ExitCode.Unreachable);
            }
        }
    }

    private static OperationProgress Of(ApiOperation now) => new(now.Progress.Examined, now.Progress.Total, now.Progress.Done, now.Progress.Refused, now.Progress.Known, now.Progress.IsWaiting)
    {
        Blocked = now.Progress.Blocked,
        OperationId = now.AuditId,
        Paused = now.Pause is { } pause ? new ReplayPause(pause.Reason, pause.Text, pause.SlowerPace) : null,
    };
}
