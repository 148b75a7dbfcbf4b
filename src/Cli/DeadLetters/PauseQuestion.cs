using System.Globalization;
using System.Threading.Channels;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>Runs a replay and, on a terminal, asks at each pause how it goes on. Without a terminal, the replay ends at its first pause.</summary>
internal sealed class PauseQuestion(CommandContext context)
{
    private readonly Channel<Question> _pauses = Channel.CreateUnbounded<Question>();
    private Task<string?>? _reading; // also while no question is asked, if the last one ended without an answer: a console's ReadLine can't be cancelled

    /// <summary>Replays, with a display of the progress.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="replay">Replays: asks what it is given at a pause, if that is not null, and reports its progress.</param>
    /// <param name="share">Makes of the display what the replay reports its progress to.</param>
    /// <param name="cancellationToken">Cancels the replay.</param>
    public async Task<T> ReplayAsync<T>(
        Func<Func<ReplayPause, CancellationToken, Task<PauseAnswer>>?, IProgress<OperationProgress>, Task<T>> replay, Func<IProgress<OperationProgress>, IProgress<OperationProgress>> share, CancellationToken cancellationToken)
    {
        if (!CommandHost.Current.IsInteractive)
            return await Progress.ShowAsync(context, "Replaying", progress => replay(null, share(progress)));
        var relay = new Relay();
        var running = replay(AskAsync, share(relay));
        while (true)
        {
            // A question can't be asked while the progress is displayed.
            using var ended = new CancellationTokenSource();
            await Progress.ShowAsync(context, "Replaying", async progress =>
            {
                relay.To = progress;
                await Task.WhenAny(running, _pauses.Reader.WaitToReadAsync(ended.Token).AsTask());
                relay.To = null;
                return true;
            });
            await ended.CancelAsync();
            if (running.IsCompleted)
                return await running;
            if (!_pauses.Reader.TryRead(out var question) || question.Answer.Task.IsCompleted)
                continue;
            if (!await AskAsync(question, running, cancellationToken))
                return await running;
        }
    }

    // False: the replay ends.
    private async Task<bool> AskAsync(Question question, Task running, CancellationToken cancellationToken)
    {
        using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answer = AnswerAsync(question.Pause, withdrawn.Token);
        await Task.WhenAny(answer, running, question.Answer.Task);
        if (answer is { IsCompleted: true, IsCanceled: false } && question.Answer.TrySetResult(await answer))
            return true;
        // Cancelled, or somebody has answered on a page, or nobody has answered for too long.
        await withdrawn.CancelAsync();
        await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.IsCompleted || cancellationToken.IsCancellationRequested)
            return false;
        await Terminal.ErrorAsync("The pause has ended without an answer from here.");
        return true;
    }

    private async Task<PauseAnswer> AskAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        var question = new Question(pause, new TaskCompletionSource<PauseAnswer>(TaskCreationOptions.RunContinuationsAsynchronously));
        _pauses.Writer.TryWrite(question);
        await using var withdrawal = cancellationToken.Register(() => question.Answer.TrySetCanceled(cancellationToken));
        return await question.Answer.Task;
    }

    private async Task<PauseAnswer> AnswerAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        if (_reading is { IsCompletedSuccessfully: true } && await _reading is not null)
        {
            _reading = null;
            await Terminal.ErrorAsync("What was typed after the last pause had ended is ignored.");
        }
        await Terminal.ErrorAsync($"Paused: {pause.Text}. {pause.Advice}.");
        var slower = pause.SlowerPace.ToString("0.####", CultureInfo.InvariantCulture);
        while (true)
        {
            await Terminal.ErrorAsync($"r resume, s slower ({slower} messages a second; s 5: 5 a second), c cancel:");
            if (Parse(await ReadAsync(cancellationToken), pause.SlowerPace) is { } answer)
                return answer;
        }
    }

    private async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        _reading ??= Task.Run(CommandHost.Current.In.ReadLine, CancellationToken.None);
        var said = await _reading.WaitAsync(cancellationToken);
        _reading = null;
        return said;
    }

    // Null: not an answer. The end of the input is a cancel.
    internal static PauseAnswer? Parse(string? said, double slower) => said?.Trim().ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries) switch
    {
        null or ["c" or "cancel"] => PauseAnswer.Stop,
        ["r" or "resume"] => PauseAnswer.Resume,
        ["s" or "slower"] => new PauseAnswer(true, slower),
        ["s" or "slower", var pace] when double.TryParse(pace, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is >= ReplayRequest.LeastPace and <= 100_000 => new PauseAnswer(true, number),
        _ => null,
    };

    private sealed record Question(ReplayPause Pause, TaskCompletionSource<PauseAnswer> Answer);

    private sealed class Relay : IProgress<OperationProgress>
    {
        public IProgress<OperationProgress>? To { get; set; }

        public void Report(OperationProgress value) => To?.Report(value);
    }
}
