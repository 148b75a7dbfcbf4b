using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>Asks the operator at a pause, and ends a pause that nobody ends.</summary>
/// <param name="request">The replay.</param>
/// <param name="lost">Ends when the connection to the broker is lost, and the lock with it.</param>
/// <param name="alarm">Finds out whether RabbitMQ still accepts no messages.</param>
internal sealed class ReplayPauses(ReplayRequest request, Task lost, Func<CancellationToken, Task<string?>> alarm)
{
    private static readonly TimeSpan _again = TimeSpan.FromSeconds(1);

    /// <summary>The pause at which the replay ended; null if it goes on.</summary>
    public ReplayPause? EndedAt { get; private set; }

    /// <summary>Why the replay ended, for an operator; null if it goes on.</summary>
    public string? Stopped { get; private set; }

    /// <summary>Asks the operator.</summary>
    /// <returns>How to go on; null if the replay ends.</returns>
    /// <exception cref="DeadLetterException">The connection to the broker was lost meanwhile.</exception>
    public async Task<PauseAnswer?> AskAsync(ReplayPause pause, CancellationToken cancellationToken)
    {
        if (request.OnPause is not { } ask)
            return End(pause, "Paused");
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var limit = Task.Delay(request.LongestPause, ended.Token);
        try
        {
            while (true)
            {
                var answer = ask(pause, ended.Token);
                await Task.WhenAny(answer, limit, lost);
                cancellationToken.ThrowIfCancellationRequested();
                if (lost.IsCompleted)
                    throw new DeadLetterException(DeadLetterProblem.Unreachable, "The connection to the broker was lost during a pause. Messages that were not moved are still in the queue: run the operation again when the broker is back");
                if (!answer.IsCompleted)
                    return End(pause, string.Create(CultureInfo.InvariantCulture, $"Paused for {request.LongestPause.TotalHours:0.##} h without an answer"));
                if (await answer is not { Resumes: true } resumed)
                    return End(pause, "Paused");
                if (pause.Reason != PauseReason.Blocked || await alarm(cancellationToken) is null)
                    return resumed;
                await Task.Delay(_again, cancellationToken); // still blocked
            }
        }
        finally
        {
            await ended.CancelAsync();
        }
    }

    private PauseAnswer? End(ReplayPause pause, string how)
    {
        EndedAt = pause;
        Stopped = TextOf(pause, how);
        return null;
    }

    /// <summary>Why a replay ended, if it ended at a pause.</summary>
    internal static string TextOf(ReplayPause pause, string how = "Paused") =>
        $"{how}: {pause.Text}. Messages that were not moved are still in the queue, in their order. {pause.AdviceAtEnd}";
}
