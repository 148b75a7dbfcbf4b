using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>
/// Messages that the broker itself dead-letters while their route is missing: those at their delivery limit, and those at the end of a delay. They are
/// kept, and arrive once the topology is deployed again. No service runs.
/// </summary>
[Collection(nameof(ABrokerToStop))]
public sealed class BrokerDeadLetterTests(SoonRepeatingBroker broker) : IClassFixture<SoonRepeatingBroker>
{
    private const string Suspect = "send-gif-email_suspect";
    private const string Delay = "send-gif-email_delay_1s";

    [Theory]
    [InlineData(Suspect, "queue", "send-gif-email_error")]
    [InlineData(Suspect, "exchange", "send-gif-email_dead")]
    [InlineData(Suspect, "binding", "send-gif-email_dead")]
    [InlineData(Delay, "queue", "send-gif-email")]
    [InlineData(Delay, "exchange", "send-gif-email")]
    [InlineData(Delay, "binding", "send-gif-email")]
    public async Task Message_that_the_broker_dead_letters_while_its_route_is_missing_arrives_once_after_the_next_deployment(string from, string missing, string name)
    {
        await using var system = await WorkinItSystem.CreateAsync(broker.Broker.ForOneSystem());
        system.Settings["Redelivery__Delays__0"] = "00:00:01";
        await system.PrepareAsync();
        var to = from == Suspect ? "send-gif-email_error" : "send-gif-email";
        await using var channel = await system.VirtualHost.OpenChannelAsync(confirms: true);
        await (missing switch
        {
            "queue" => channel.QueueDeleteAsync(name),
            "exchange" => channel.ExchangeDeleteAsync(name),
            _ => channel.QueueUnbindAsync(to, name, ""),
        });
        await channel.BasicPublishAsync("", from, mandatory: true, new BasicProperties { MessageId = name, Persistent = true }, "kept"u8.ToArray());
        if (from == Suspect)
            await ReturnToTheLimitAsync(channel);
        await system.SeeReadyAsync(from, 0, TimeSpan.FromSeconds(15));
        await Task.Delay(TimeSpan.FromSeconds(3)); // duration of the fault

        await system.DeployAsync();

        await system.SeeReadyAsync(to, 1, TimeSpan.FromSeconds(30));
        await Task.Delay(TimeSpan.FromSeconds(2)); // a second copy would arrive at the next repetition
        var message = (await system.VirtualHost.TakeAllAsync(to)).ShouldHaveSingleItem();
        (message.BasicProperties.MessageId, Encoding.UTF8.GetString(message.Body.Span)).ShouldBe((name, "kept"));
        Encoding.UTF8.GetString((byte[])message.BasicProperties.Headers!["x-first-death-queue"]!).ShouldBe(from);
        (await system.VirtualHost.ManagementAsync($"queues/{{vhost}}/{from}")).GetProperty("arguments").GetProperty("x-dead-letter-strategy").GetString().ShouldBe("at-least-once");
    }

    // Returns the message until the broker dead-letters it.
    private static async Task ReturnToTheLimitAsync(IChannel channel)
    {
        var returns = 0;
        await Eventually.SeeAsync(
            async () =>
            {
                if (await channel.BasicGetAsync(Suspect, autoAck: false) is not { } message)
                    return returns;
                await channel.BasicRejectAsync(message.DeliveryTag, requeue: true);
                return ++returns;
            },
            count => count == 4, string.Create(CultureInfo.InvariantCulture, $"the message was returned one time more than the limit of {Messaging.QueueTopology.SuspectDeliveryLimit}"));
    }
}

/// <summary>The broker of the collection, which repeats a dead-lettering soon; restarted at the end, which resets that.</summary>
/// <param name="broker">The broker.</param>
public sealed class SoonRepeatingBroker(ABrokerToStop broker) : IAsyncLifetime
{
    public TestBroker Broker => broker.Broker;

    public async ValueTask InitializeAsync()
    {
        await Broker.StartAsync();
        await Broker.RepeatDeadLetteringSoonAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Broker.StopAsync();
        await Broker.StartAsync();
    }
}
