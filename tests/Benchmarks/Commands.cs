using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Contracts;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Publishes commands as Web does, with a bare client.</summary>
internal static class Commands
{
    private const int Outstanding = 256;

    /// <summary>The exchange that Web publishes to.</summary>
    public const string Exchange = "WorkinIt.Contracts:SendGifEmail";

    /// <summary>Publishes <paramref name="count"/> commands: mandatory, confirmed, with at most 256 outstanding confirms.</summary>
    public static async Task PublishAsync(TestVirtualHost virtualHost, int count, string exchange = Exchange)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(virtualHost.ConnectionString("operator")) }.CreateConnectionAsync("bare publisher");
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null));
        var outstanding = new Queue<Task>(Outstanding);
        for (var number = 0; number < count; number++)
        {
            if (outstanding.Count == Outstanding)
                await outstanding.Dequeue();
            var command = New(number);
            outstanding.Enqueue(channel.BasicPublishAsync(exchange, "", mandatory: true, Properties(command), Body(command)).AsTask());
        }
        await Task.WhenAll(outstanding);
    }

    /// <summary>Creates a command with a recipient that contains <paramref name="number"/>.</summary>
    public static SendGifEmail New(int number) =>
        new(Guid.CreateVersion7(), $"somebody{number}@example.com", "how many of these in a second?", DateTimeOffset.UtcNow);

    /// <summary>Empties the queues, publishes <paramref name="count"/> commands, and waits until the input queue holds them.</summary>
    public static async Task FillAsync(TestVirtualHost virtualHost, int count)
    {
        await EmptyAsync(virtualHost);
        await PublishAsync(virtualHost, count);
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync(QueueTopology.InputQueue), ready => ready == count, $"{count} messages in {QueueTopology.InputQueue}");
    }

    /// <summary>Purges the queues, including messages that return from a consumer that has just ended.</summary>
    /// <param name="virtualHost">The virtual host of the queues.</param>
    /// <param name="isConsumed">Whether a consumer stays; otherwise it waits until there is none.</param>
    public static async Task EmptyAsync(TestVirtualHost virtualHost, bool isConsumed = false)
    {
        await using var channel = await virtualHost.OpenChannelAsync();
        QueueDeclareOk input;
        do
        {
            await channel.QueuePurgeAsync(QueueTopology.InputQueue);
            await channel.QueuePurgeAsync(QueueTopology.StatusQueue);
            await Task.Delay(500);
            input = await channel.QueueDeclarePassiveAsync(QueueTopology.InputQueue);
        }
        while (input.MessageCount > 0 || (input.ConsumerCount > 0 && !isConsumed));
    }

    private static BasicProperties Properties(SendGifEmail command) => new()
    {
        MessageId = command.SubmissionId.ToString(),
        ContentType = "application/vnd.masstransit+json",
        DeliveryMode = DeliveryModes.Persistent,
    };

    private static byte[] Body(SendGifEmail command) => Encoding.UTF8.GetBytes($$$"""
        {"messageId":"{{{command.SubmissionId}}}","conversationId":"{{{command.SubmissionId}}}","sourceAddress":"rabbitmq://localhost/web","destinationAddress":"rabbitmq://localhost/WorkinIt.Contracts:SendGifEmail","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"message":{{{JsonSerializer.Serialize(command, JsonSerializerOptions.Web)}}},"sentTime":"{{{command.SubmittedAt:O}}}","headers":{},"host":{"machineName":"web","processName":"WorkinIt.Web","processId":1,"assembly":"WorkinIt.Web","assemblyVersion":"0.1.0.0","frameworkVersion":"10.0.0","massTransitVersion":"8.5.0.0","operatingSystemVersion":"Unix"}}
        """);
}
