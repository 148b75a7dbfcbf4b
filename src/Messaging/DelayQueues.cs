using System.Globalization;
using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>
/// Delayed redelivery out of the broker's own parts: one queue for each delay, whose messages expire after it and go back to
/// the input queue. One fixed time for each queue, so that nothing waits behind a longer one. No plugin is needed.
/// </summary>
public static class DelayQueues
{
    /// <summary>The name of the queue, and of the exchange in front of it: <c>send-gif-email_delay_30s</c>.</summary>
    /// <param name="delay">The delay; whole milliseconds.</param>
    public static string Name(TimeSpan delay) => $"{QueueTopology.InputQueue}_delay_{Text(delay)}";

    /// <summary>
    /// Quorum, and dead-lettered at least once: a message goes back to the input queue, or it stays. Nothing in it can overflow.
    /// </summary>
    /// <param name="delay">The delay.</param>
    /// <param name="broker">The broker's version: which argument means "look as often as you like" depends on it.</param>
    public static Dictionary<string, object?> Arguments(TimeSpan delay, Version broker)
    {
        var arguments = QueueTopology.UnlimitedQuorum(broker);
        arguments["x-message-ttl"] = (long)delay.TotalMilliseconds;
        arguments["x-dead-letter-exchange"] = QueueTopology.InputQueue;
        arguments["x-dead-letter-strategy"] = "at-least-once";
        arguments["x-overflow"] = "reject-publish";
        return arguments;
    }

    /// <summary>Sends a copy of the message in hand to wait; what is in hand may then be acknowledged.</summary>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <param name="context">The message in hand.</param>
    /// <param name="delay">How long. Where its queue is missing, another delay queue takes the message.</param>
    /// <param name="counted">Whether this counts as a redelivery. Waiting for somebody else does not.</param>
    /// <exception cref="OperationCanceledException">The process stops, or the message has returned to its queue.</exception>
    public static Task SendAsync<T>(ConsumeContext<T> context, TimeSpan delay, bool counted)
        where T : class => MessageMove.SendAsync(context, Name(delay), send =>
        {
            if (counted)
                send.Headers.Set(MessageHeaders.RedeliveryCount, context.GetRedeliveryCount() + 1);
        });

    private static string Text(TimeSpan delay)
    {
        var (number, unit) = delay switch
        {
            _ when delay.Ticks % TimeSpan.TicksPerHour == 0 => (delay.TotalHours, "h"),
            _ when delay.Ticks % TimeSpan.TicksPerMinute == 0 => (delay.TotalMinutes, "m"),
            _ when delay.Ticks % TimeSpan.TicksPerSecond == 0 => (delay.TotalSeconds, "s"),
            _ => (Math.Round(delay.TotalMilliseconds), "ms"),
        };
        return number.ToString(CultureInfo.InvariantCulture) + unit;
    }
}
