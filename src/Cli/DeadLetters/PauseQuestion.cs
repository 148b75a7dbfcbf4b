using System.Globalization;
using System.Threading.Channels;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>Runs a replay and, on a terminal, asks at each pause how it goes on. Without a terminal, the replay ends at its first pause.</summary>
internal sealed class PauseQuestion(CommandContext context)
{
    private readonly Channel<(ReplayPause Pause, TaskCompletionSource<PauseAnswer> Answer)> _pauses = Channel.CreateUnbounded<(ReplayPause, TaskCompletionSource<PauseAnswer>)>();

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
            if (!_pauses.Reader.TryRead(out var paused))
                continue;
            var answer = AnswerAsync(paused.Pause, cancellationToken);
            if (await Task.WhenAny(answer, running) == running || answer.IsCanceled) // cancelled, or nobody has answered for too long
                return await running;
            paused.Answer.TrySetResult(await answer);
        }
    }

    private async Task<PauseAnswer> AskAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<PauseAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pauses.Writer.TryWrite((pause, answer));
        return await answer.Task.WaitAsync(cancellationToken);
    }

    private static async Task<PauseAnswer> AnswerAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        await Terminal.ErrorAsync($"Paused: {pause.Text}. {pause.Advice}.");
        var slower = pause.SlowerPace.ToString("0.####", CultureInfo.InvariantCulture);
        while (true)
        {
            await Terminal.ErrorAsync($"r resume, s slower ({slower} messages a second; s 5: 5 a second), c cancel:");
            // A console's ReadLineAsync can't be cancelled.
            var said = await Task.Run(CommandHost.Current.In.ReadLine, CancellationToken.None).WaitAsync(cancellationToken);
            if (Parse(said, pause.SlowerPace) is { } answer)
                return answer;
        }
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

    private sealed class Relay : IProgress<OperationProgress>
    {
        public IProgress<OperationProgress>? To { get; set; }

        public void Report(OperationProgress value) => To?.Report(value);
    }
}
