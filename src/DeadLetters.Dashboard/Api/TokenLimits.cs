using System.Collections.Concurrent;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>Counts the requests of each token per minute, on this instance.</summary>
internal sealed class TokenLimits(TimeProvider time)
{
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Window> _windows = new();

    /// <summary>Counts a request.</summary>
    /// <param name="token">The token's id. There are only as many as were made.</param>
    /// <param name="most">How many requests are allowed per minute.</param>
    /// <returns>How long to wait if there were too many; null if there were not.</returns>
    public TimeSpan? Wait(string token, int most)
    {
        var now = time.GetUtcNow();
        var window = _windows.AddOrUpdate(
            token, _ => new Window(now, 1), (_, before) => now - before.Start >= _minute ? new Window(now, 1) : before with { Count = Math.Min(before.Count, most) + 1 });
        return window.Count > most ? window.Start + _minute - now : null;
    }

    private sealed record Window(DateTimeOffset Start, long Count);
}
