using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Messages that their sender published as transient (delivery_mode 1): a restart of the broker must not delete a copy that WorkinIt made.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class TransientMessageTests(ABrokerToStop broker)
{
    private const string Input = "send-gif-email";
    private const string Errors = "send-gif-email_error";

    [Fact]
    public async Task Transient_messages_are_kept_across_a_restart_of_the_broker_in_each_queue_that_they_are_moved_to()
    {
        await broker.Broker.StartAsync();
        await using var system = await WorkinItSystem.CreateAsync(broker.Broker.ForOneSystem());
        var (_, consumers) = await system.StartServicesAsync(("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        system.Mail.OnMail = mail => mail.Recipient switch
        {
            null => null,
            var recipient when recipient.StartsWith("dead", StringComparison.Ordinal) => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown"),
            _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted"),
        };
        using var client = new DeadLetterClient(
            DeadLetterOptions.Parse(system.VirtualHost.ConnectionString("operator"), system.Broker.Management.BaseAddress!), new AuditFile(Path.Combine(system.Folder, "audit.jsonl")));
        await using (var channel = await system.VirtualHost.OpenChannelAsync(confirms: true))
        {
            // Moved by Consumers.
            await PublishAsync(channel, Input, "dead@example.com");
            await PublishAsync(channel, Input, "later@example.com");
            await channel.BasicPublishAsync(Input, "", mandatory: true, Transient("foreign"), """{"messageType":["urn:message:Some:Thing"],"message":{}}"""u8.ToArray());
            await system.SeeReadyAsync(Errors, 1);
            await system.SeeReadyAsync("send-gif-email_delay_10m", 1);
            await system.SeeReadyAsync("send-gif-email_skipped", 1);
            await consumers.StopAsync();

            // Moved by an operator, from a queue to which the sender itself published them: such a message is lost in a restart before the move.
            await channel.QueueDeclareAsync("slips_error", durable: true, exclusive: false, autoDelete: false);
            await channel.QueueDeclareAsync("slips", durable: true, exclusive: false, autoDelete: false);
            foreach (var id in new[] { "discarded", "replayed" })
                await channel.BasicPublishAsync("", "slips_error", mandatory: true, Transient(id), """{"messageType":["urn:message:Some:Thing"],"message":{}}"""u8.ToArray());
            await system.SeeReadyAsync("slips_error", 2);
            var none = CancellationToken.None;
            (await client.DiscardAsync(new DiscardRequest { Queue = "slips_error", Filter = DeadLetterFilter.ById("discarded"), By = "jane" }, null, none)).Done.ShouldBe(1);
            (await client.ReplayAsync(new ReplayRequest { Queue = "slips_error", Filter = DeadLetterFilter.ById("replayed"), By = "jane", Wait = TimeSpan.Zero }, null, none)).Done.ShouldBe(1);

            // Published to the input queue and not moved yet.
            await PublishAsync(channel, Input, "waiting@example.com");
            await system.SeeReadyAsync(Input, 1);
        }

        await system.Broker.StopAsync();
        await system.Broker.StartAsync();

        await system.SeeReadyAsync(Input, 1, TimeSpan.FromSeconds(30)); // a quorum queue: at first it has no leader, and reports nothing
        var kept = new List<string>();
        foreach (var queue in new[] { Errors, "send-gif-email_skipped", "send-gif-email_delay_10m", "slips_discarded", "slips" })
        {
            foreach (var message in await system.VirtualHost.TakeAllAsync(queue))
                kept.Add($"{queue}: {message.BasicProperties.DeliveryMode}, originally {Convert.ToString(message.BasicProperties.Headers!["Original-Delivery-Mode"], CultureInfo.InvariantCulture)}");
        }
        kept.ShouldBe([
            $"{Errors}: Persistent, originally 1", "send-gif-email_skipped: Persistent, originally 1", "send-gif-email_delay_10m: Persistent, originally 1",
            "slips_discarded: Persistent, originally 1", "slips: Persistent, originally 1",
        ]);
    }

    private static BasicProperties Transient(string id) => new() { MessageId = id, ContentType = "application/vnd.masstransit+json", DeliveryMode = DeliveryModes.Transient };

    private static async Task PublishAsync(IChannel channel, string exchange, string email)
    {
        var (id, now) = (Guid.CreateVersion7(), DateTimeOffset.UtcNow);
        var command = $$$"""
            {"messageId":"{{{id}}}","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"message":
            {"submissionId":"{{{id}}}","emailAddress":"{{{email}}}","thought":"not kept on a disk","submittedAt":"{{{now:O}}}"}}
            """;
        await channel.BasicPublishAsync(exchange, "", mandatory: true, Transient($"{id}"), Encoding.UTF8.GetBytes(command));
    }
}
