using System.Diagnostics;

namespace WorkinIt.Dev.Processes;

/// <summary>Waits for something that other processes do, by polling.</summary>
internal static class Wait
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until a condition holds.</summary>
    /// <returns>Whether it held within the time.</returns>
    public static Task<bool> UntilAsync(TimeSpan within, Func<bool> condition, CancellationToken cancellation = default) =>
        UntilAsync(within, () => Task.FromResult(condition()), cancellation);

    /// <summary>Waits until a condition holds.</summary>
    /// <returns>Whether it held within the time.</returns>
    public static async Task<bool> UntilAsync(TimeSpan within, Func<Task<bool>> condition, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed >= within)
                return false;
            await Task.Delay(_pause, cancellation);
        }
        return true;
    }
}
