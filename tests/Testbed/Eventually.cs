using System.Diagnostics;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>Waits for the effects of other processes by polling. On a timeout, the error shows the last observed value.</summary>
public static class Eventually
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until a value satisfies a condition.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="ask">Reads the value. A network exception counts as "not yet".</param>
    /// <param name="satisfies">The condition.</param>
    /// <param name="what">The awaited state, for the error message.</param>
    /// <param name="within">The time limit; null uses 60 s.</param>
    /// <exception cref="TimeoutException">The condition was not satisfied within the time limit.</exception>
    public static async Task<T> SeeAsync<T>(Func<Task<T>> ask, Func<T, bool> satisfies, string what, TimeSpan? within = null)
    {
        var timeLimit = within ?? TimeSpan.FromSeconds(60);
        var clock = Stopwatch.StartNew();
        object? seen = null;
        while (clock.Elapsed < timeLimit)
        {
            try
            {
                var value = await ask();
                if (satisfies(value))
                    return value;
                seen = value;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or SocketException or OperationCanceledException or TimeoutException or RabbitMQ.Client.Exceptions.RabbitMQClientException)
            {
                seen = e.Message;
            }
            await Task.Delay(_pause);
        }
        throw new TimeoutException($"Not within {timeLimit.TotalSeconds:0} s: {what}. Last seen: {seen}");
    }

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="what">The awaited state, for the error message.</param>
    /// <param name="within">The time limit; null uses 60 s.</param>
    public static Task SeeAsync(Func<bool> condition, string what, TimeSpan? within = null) =>
        SeeAsync(() => Task.FromResult(condition()), holds => holds, what, within);
}
