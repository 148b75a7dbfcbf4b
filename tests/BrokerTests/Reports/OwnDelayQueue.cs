using MassTransit;
using MassTransit.Configuration;
using MassTransit.Serialization;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>Redelivers through a queue with a TTL, as an application without the plugin does.</summary>
internal sealed class OwnDelayQueue : IPipeSpecification<ConsumeContext<DoWork>>, IFilter<ConsumeContext<DoWork>>
{
    /// <summary>Declares the queue, from which messages come back after 1 s.</summary>
    public static async Task DeclareAsync(TestVirtualHost virtualHost)
    {
        await using var channel = await virtualHost.OpenChannelAsync();
        await channel.ExchangeDeclareAsync("work_later", RabbitMQ.Client.ExchangeType.Fanout, durable: true);
        await channel.QueueDeclareAsync("work_later", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-message-ttl"] = 1000, ["x-dead-letter-exchange"] = "work" });
        await channel.QueueBindAsync("work_later", "work_later", "");
    }

    public void Apply(IPipeBuilder<ConsumeContext<DoWork>> builder) => builder.AddFilter(this);

    public IEnumerable<ValidationResult> Validate() => [];

    public Task Send(ConsumeContext<DoWork> context, IPipe<ConsumeContext<DoWork>> next)
    {
        context.GetOrAddPayload<MessageRedeliveryContext>(() => new Redelivery(context));
        return next.Send(context);
    }

    public void Probe(ProbeContext context)
    {
    }

    private sealed class Redelivery(ConsumeContext<DoWork> context) : MessageRedeliveryContext
    {
        public async Task ScheduleRedelivery(TimeSpan delay, Action<ConsumeContext, SendContext>? callback)
        {
            var endpoint = await context.GetSendEndpoint(new Uri("exchange:work_later"));
            await endpoint.Send(context.Message, new ForwardMessagePipe<DoWork>(context, Pipe.Execute<SendContext<DoWork>>(send => send.Headers.Set(MessageHeaders.RedeliveryCount, context.GetRedeliveryCount() + 1))));
        }
    }
}
