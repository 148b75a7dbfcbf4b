using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.DeadLetters;

namespace WorkinIt.DeliveryAdvice;

/// <summary>Publishes an operator's decisions about submissions to Web's status queue. No consumer publishes these.</summary>
/// <param name="options">The broker.</param>
public sealed class StatusNotice(DeadLetterOptions options)
{
    private const string StatusQueue = "submission-status";

    /// <summary>Publishes events of one type, confirmed, on one connection.</summary>
    /// <typeparam name="T">The event, a type of the contracts.</typeparam>
    /// <param name="events">The events.</param>
    /// <param name="problem">The error message if the broker can't be reached or has no such queue: what is already done, and what to do next.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="DeadLetterException">Not all were confirmed.</exception>
    public async Task PublishAsync<T>(IReadOnlyList<T> events, string problem, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await options.ConnectAsync("dead letters: notify Web", cancellationToken);
            await using var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(options.Timeout);
            await Task.WhenAll(events.Select(async one =>
            {
                var messageId = Guid.CreateVersion7().ToString();
                await channel.BasicPublishAsync(StatusQueue, "", mandatory: true, Properties(messageId), Envelope(messageId, one), deadline.Token);
            }));
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new DeadLetterException(DeadLetterProblem.Unreachable, problem, e);
        }
    }

    private static BasicProperties Properties(string messageId) => new()
    {
        MessageId = messageId,
        ContentType = "application/vnd.masstransit+json",
        DeliveryMode = DeliveryModes.Persistent,
    };

    private static byte[] Envelope<T>(string messageId, T message) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        messageId,
        messageType = new[] { $"urn:message:{typeof(T).Namespace}:{typeof(T).Name}" },
        message,
        sentTime = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture),
    }, JsonSerializerOptions.Web);
}
