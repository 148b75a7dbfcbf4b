using System.Diagnostics;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>Waits for what other processes do: asks until it is so, and says what was seen when it never is.</summary>
public static class Eventually
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until a value satisfies.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="ask">Gives the value; an exception of the network counts as "not yet".</param>
    /// <param name="satisfies">The condition.</param>
    /// <param name="what">What is waited for, for the error.</param>
    /// <param name="within">60 s unless told.</param>
    /// <exception cref="TimeoutException">It never was so.</exception>
    public static async Task<T> SeeAsync<T>(Func<Task<T>> ask, Func<T, bool> satisfies, string what, TimeSpan? within = null)
    {
        var patience = within ?? TimeSpan.FromSeconds(60);
        var clock = Stopwatch.StartNew();
        object? seen = null;
        while (clock.Elapsed < patience)
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
        throw new TimeoutException($"Not within {patience.TotalSeconds:0} s: {what}. Last seen: {seen}");
    }

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="what">What is waited for.</param>
    /// <param name="within">60 s unless told.</param>
    public static Task SeeAsync(Func<bool> condition, string what, TimeSpan? within = null) =>
        SeeAsync(() => Task.FromResult(condition()), holds => holds, what, within);
}
