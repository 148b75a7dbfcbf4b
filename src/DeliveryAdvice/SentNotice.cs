using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Contracts;
using WorkinIt.DeadLetters;

namespace WorkinIt.DeliveryAdvice;

/// <summary>Tells Web, by its status queue, that a mail was sent: when an operator says so, no consumer does.</summary>
/// <param name="options">The broker.</param>
public sealed class SentNotice(DeadLetterOptions options)
{
    private const string StatusQueue = "submission-status";

    /// <summary>Publishes the event, confirmed.</summary>
    /// <param name="sent">The event.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DeadLetterException">The broker is out of reach, or has no such queue.</exception>
    public async Task PublishAsync(GifEmailSent sent, CancellationToken cancellationToken)
    {
        var messageId = Guid.CreateVersion7().ToString();
        var properties = new BasicProperties
        {
            MessageId = messageId,
            ContentType = "application/vnd.masstransit+json",
            DeliveryMode = DeliveryModes.Persistent,
        };
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            messageId,
            messageType = new[] { $"urn:message:{typeof(GifEmailSent).Namespace}:{nameof(GifEmailSent)}" },
            message = sent,
            sentTime = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture),
        }, JsonSerializerOptions.Web);
        try
        {
            await using var connection = await options.ConnectAsync("dead letters: sent after all", cancellationToken);
            await using var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(options.Patience);
            await channel.BasicPublishAsync(StatusQueue, "", mandatory: true, properties, body, deadline.Token);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new DeadLetterException(DeadLetterProblem.OutOfReach, $"The ledger says “sent” now, but {StatusQueue} could not be told: look at the broker, and discard it as sent once more", e);
        }
    }
}
