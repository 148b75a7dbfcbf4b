using System.Diagnostics;

namespace WorkinIt.DeadLetters;

/// <summary>When each message of a paced pass may be published.</summary>
internal sealed class Turns(double? pace)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _skipped;

    /// <summary>Whether the message with this number, from 0, has to wait.</summary>
    public bool IsLater(long number) => Of(number) > _clock.Elapsed;

    /// <summary>Waits for the turn of the message with this number. A cancel ends the wait.</summary>
    public async Task WaitAsync(long number, CancellationToken cancellationToken)
    {
        var wait = Of(number) - _clock.Elapsed;
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Delays all later turns by a time in which no message could be published.</summary>
    public void Skip(TimeSpan time) => _skipped += time;

    private TimeSpan Of(long number) => pace is { } perSecond ? TimeSpan.FromSeconds(number / perSecond) + _skipped : TimeSpan.Zero;
}
