using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Retries a publish with growing pauses, while the message that it is about stays unacknowledged. Returning the message to its queue instead
/// would use up its delivery limit on RabbitMQ before 4.3, would repeat at once and endlessly from 4.3 on, and would ask the mail server again
/// each time.
/// </summary>
/// <param name="lifetime">When the application stops, the wait ends and the message returns to its queue.</param>
/// <param name="trouble">Records missing queues and exchanges.</param>
/// <param name="log">Logs failed publishes.</param>
public sealed partial class PublishRetry(IHostApplicationLifetime lifetime, TopologyProblems trouble, ILogger<PublishRetry> log)
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(30);

    /// <summary>Publishes until the broker accepts it.</summary>
    /// <param name="target">The exchange, with the routing key if it decides about the queue.</param>
    /// <param name="message">The message that the publish is about.</param>
    /// <param name="attempt">Publishes once.</param>
    /// <param name="within">When to give up; null for never.</param>
    /// <returns>Whether the broker accepted it.</returns>
    /// <exception cref="OperationCanceledException">The process stops, or the message has returned to its queue.</exception>
    public async Task<bool> UntilTakenAsync(string target, ReceiveContext message, Func<Task> attempt, TimeSpan? within = null)
    {
        var (pause, waited) = (_first, TimeSpan.Zero);
        while (true)
        {
            try
            {
                await attempt();
                trouble.Clear(target);
                return true;
            }
            catch (Exception e) when (IsOfBroker(e))
            {
                var reason = Reason(e);
                if (IsMissing(e))
                    trouble.Add(target, reason);
                if (waited >= within)
                    return false;
                LogNotTaken(log, target, reason, pause);
            }
            ThrowIfReturned(message);
            await Task.Delay(pause, lifetime.ApplicationStopping);
            ThrowIfReturned(message);
            waited += pause;
            pause = pause * 2 < _longest ? pause * 2 : _longest;
        }
    }

    private static void ThrowIfReturned(ReceiveContext message)
    {
        if (message.TryGetPayload<ChannelContext>(out var channel) && channel.Channel.IsClosed)
            throw new OperationCanceledException("The message has returned to its queue");
    }

    private static bool IsOfBroker(Exception failure) =>
        failure is MassTransitException or RabbitMQClientException or RabbitMQ.Client.Exceptions.PublishException or IOException or TimeoutException or OperationCanceledException or ObjectDisposedException;

    private static bool IsMissing(Exception failure) => failure
        is MessageReturnedException or PublishReturnException or OperationInterruptedException { ShutdownReason.ReplyCode: Constants.NotFound };

    private static string Reason(Exception failure) => failure switch
    {
        PublishReturnException returned => returned.ReplyText,
        OperationInterruptedException { ShutdownReason: { } reason } => reason.ReplyText,
        MessageReturnedException => "NO_ROUTE",
        _ => failure.GetType().Name,
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "A message to {Target} was not accepted ({Reason}). It is kept and published again in {Pause}; if queues are missing, run Consumers with --deploy-topology")]
    private static partial void LogNotTaken(ILogger log, string target, string reason, TimeSpan pause);
}
