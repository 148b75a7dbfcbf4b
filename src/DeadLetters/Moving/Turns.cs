using System.Diagnostics;

namespace WorkinIt.DeadLetters;

/// <summary>When each message of a paced pass may be published.</summary>
internal sealed class Turns(double? pace)
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(200);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _skipped;

    /// <summary>Whether the message with this number, from 0, has to wait.</summary>
    public bool IsLater(long number) => Of(number) > _clock.Elapsed;

    /// <summary>Waits for the turn of the message with this number. A cancel ends the wait, and so does a request to pause.</summary>
    public async Task WaitAsync(long number, StepGate? steps, CancellationToken cancellationToken)
    {
        while (Of(number) - _clock.Elapsed is { Ticks: > 0 } wait && steps is not { IsPauseRequested: true } && !cancellationToken.IsCancellationRequested)
            await Task.Delay(steps is null || wait < _look ? wait : _look, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Delays all later turns by a time in which no message could be published.</summary>
    public void Skip(TimeSpan time) => _skipped += time;

    private TimeSpan Of(long number) => pace is { } perSecond ? TimeSpan.FromSeconds(number / perSecond) + _skipped : TimeSpan.Zero;
}
