using System.Globalization;
using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>
/// Delayed redelivery without a plugin: one queue for each delay, whose messages expire after the delay and are dead-lettered back to the
/// input queue. Each queue has one fixed delay, so that no message waits behind one with a longer delay.
/// </summary>
public static class DelayQueues
{
    /// <summary>The name of the queue, and of the exchange in front of it: <c>send-gif-email_delay_30s</c>.</summary>
    /// <param name="delay">The delay, a multiple of 1 ms.</param>
    public static string Name(TimeSpan delay) => $"{QueueTopology.InputQueue}_delay_{Text(delay)}";

    /// <summary>
    /// A quorum queue with at-least-once dead-lettering: a message returns to the input queue, or it stays. It can't overflow.
    /// </summary>
    /// <param name="delay">The delay.</param>
    /// <param name="broker">The broker's version, which decides how to declare a queue without a delivery limit.</param>
    public static Dictionary<string, object?> Arguments(TimeSpan delay, Version broker)
    {
        var arguments = QueueTopology.UnlimitedQuorum(broker);
        arguments["x-message-ttl"] = (long)delay.TotalMilliseconds;
        arguments["x-dead-letter-exchange"] = QueueTopology.InputQueue;
        arguments["x-dead-letter-strategy"] = "at-least-once";
        arguments["x-overflow"] = "reject-publish";
        return arguments;
    }

    /// <summary>Sends a copy of the message in flight to a delay queue. The original may then be acknowledged.</summary>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <param name="context">The message in flight.</param>
    /// <param name="delay">The delay. If its queue is missing, another delay queue is used.</param>
    /// <param name="counted">
    /// Whether this counts as a redelivery. Waiting for another consumer, for the ledger, or for a service that was not asked does not count.
    /// </param>
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
