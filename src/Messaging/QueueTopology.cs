using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.Contracts;

namespace WorkinIt.Messaging;

/// <summary>
/// The names and arguments that the publisher, the consumer and the deployment must agree on. An argument of a queue that
/// exists can't be changed by declaring it again (406 PRECONDITION_FAILED), so all of them stand here, once.
/// </summary>
public static class QueueTopology
{
    /// <summary>The input queue, and the exchange in front of it: what is replayed is published there.</summary>
    public const string InputQueue = "send-gif-email";

    /// <summary>The dead letters: what failed for good, with its reason.</summary>
    public const string ErrorQueue = InputQueue + "_error";

    /// <summary>What came to the input queue and no consumer there handles its type.</summary>
    public const string SkippedQueue = InputQueue + "_skipped";

    /// <summary>Fanout to which the broker itself dead-letters what was returned <see cref="DeliveryLimit"/> times.</summary>
    public const string DeadExchange = InputQueue + "_dead";

    /// <summary>
    /// Fanout that leads nowhere: to publish there is how a service asks whether the broker takes messages now. Named as a fault's exchange, for
    /// to that both services' users have the rights.
    /// </summary>
    public const string ProbeExchange = "MassTransit:Fault--WorkinIt.Messaging:Probe--";

    /// <summary>
    /// Where Consumers put aside what has to wait or to be handled alone; direct, the routing key is the queue. Sending declares the
    /// exchange, and with the right to that goes the right to delete a queue of the same name: so it is one that no queue has.
    /// </summary>
    public const string MoveExchange = InputQueue + "_move";

    /// <summary>
    /// How often a message may come back to the input queue before the broker itself dead-letters it: the net under a message
    /// that kills each process that takes it. High, because up to RabbitMQ 4.2 an orderly stop counts for each prefetched message.
    /// </summary>
    public const int DeliveryLimit = 1000;

    /// <summary>
    /// Where a message is moved that was in hand when a process died, twice: it is handled there alone, so that its neighbours,
    /// which die with it each time, can go on.
    /// </summary>
    public const string SuspectQueue = InputQueue + "_suspect";

    /// <summary>After so many more deaths the broker dead-letters it.</summary>
    public const int SuspectDeliveryLimit = 3;

    /// <summary>The copy of the delivery ledger's mark: one message, by which a ledger that has forgotten something is noticed.</summary>
    public const string LedgerQueue = InputQueue + "_ledger";

    /// <summary>The events about submissions, for Web.</summary>
    public const string StatusQueue = "submission-status";

    /// <summary>What Web uses.</summary>
    public static UsedTopology UsedByWeb { get; } = new(
        [InputQueue, StatusQueue, StatusQueue + "_error", StatusQueue + "_skipped"],
        [NameOf(typeof(SendGifEmail)), InputQueue, StatusQueue + "_error", StatusQueue + "_skipped", ProbeExchange]);

    /// <summary>What Consumers use.</summary>
    /// <param name="delays">Their delay queues.</param>
    public static UsedTopology UsedByConsumers(DelaySteps delays) => new(
        [InputQueue, SuspectQueue, ErrorQueue, SkippedQueue, StatusQueue, .. delays.Queues],
        [
            InputQueue, MoveExchange, DeadExchange, ErrorQueue, SkippedQueue, StatusQueue, ProbeExchange,
            NameOf(typeof(GifEmailSent)), NameOf(typeof(GifEmailDelayed)), NameOf(typeof(GifEmailBlocked)), $"MassTransit:Fault--{NameOf(typeof(SendGifEmail))}--",
        ]);

    private static string NameOf(Type message) => $"{message.Namespace}:{message.Name}";

    /// <summary>The input queue: replicated, never full silently, and what the broker gives up on is kept.</summary>
    /// <param name="endpoint">The receive endpoint of <see cref="InputQueue"/>.</param>
    public static void ConfigureInputQueue(IRabbitMqReceiveEndpointConfigurator endpoint) =>
        ConfigureKeptQueue(endpoint, DeliveryLimit, DeadExchange);

    /// <summary>As the input queue, with a lower limit; nothing is published to it but what the input queue's consumers move.</summary>
    /// <param name="endpoint">The receive endpoint of <see cref="SuspectQueue"/>.</param>
    public static void ConfigureSuspectQueue(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        endpoint.ConfigureConsumeTopology = false;
        ConfigureKeptQueue(endpoint, SuspectDeliveryLimit, DeadExchange);
    }

    /// <summary>
    /// What Web listens to. What the broker itself dead-letters does not come here: it would count as kept, although it is consumed, as soon as
    /// the binding to the dead-letter queue is missing.
    /// </summary>
    /// <param name="endpoint">The receive endpoint of <see cref="StatusQueue"/>.</param>
    public static void ConfigureStatusQueue(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        endpoint.ConfigureConsumeTopology = false; // else it would ask for the commands as well
        endpoint.Bind<GifEmailSent>();
        endpoint.Bind<GifEmailDelayed>();
        endpoint.Bind<GifEmailBlocked>();
        endpoint.Bind<Fault<SendGifEmail>>();
        ConfigureKeptQueue(endpoint, DeliveryLimit, StatusQueue + "_error");
    }

    private static void ConfigureKeptQueue(IRabbitMqReceiveEndpointConfigurator endpoint, int deliveryLimit, string deadLetterExchange)
    {
        endpoint.SetQuorumQueue();
        endpoint.SetQueueArgument("x-delivery-limit", deliveryLimit);
        endpoint.SetQueueArgument("x-dead-letter-exchange", deadLetterExchange);
        endpoint.SetQueueArgument("x-dead-letter-strategy", "at-least-once");
        endpoint.SetQueueArgument("x-overflow", "reject-publish"); // the strategy demands it: dropping the head would lose it
    }

    /// <summary>For a service that runs: what it uses has been deployed, and it may declare none of it.</summary>
    /// <param name="endpoint">The receive endpoint.</param>
    /// <param name="services">For what keeps the messages that no queue takes.</param>
    public static void ExpectDeployed(IRabbitMqReceiveEndpointConfigurator endpoint, IServiceProvider services)
    {
        endpoint.ConfigureChannel(channel => channel.UseFilter(new DeployedTopologyFilter()));
        endpoint.PublishFaults = false; // FaultFilter does, where somebody listens
        services.GetRequiredService<KeptMoves>().Use(endpoint);
    }

    /// <summary>
    /// Where MassTransit sends what failed and what nobody understands. It would declare these queues at the first failure, with every
    /// argument of their input queue, a delivery limit among them; they are deployed instead, with arguments of their own.
    /// </summary>
    /// <param name="bus">The bus.</param>
    internal static void ConfigureDeadLetterQueues(IRabbitMqBusFactoryConfigurator bus)
    {
        bus.SendTopology.ErrorQueueNameFormatter = new OneErrorQueue();
        bus.SendTopology.DeadLetterQueueNameFormatter = new OneErrorQueue();
    }

    /// <summary>
    /// With a limit on deliveries, looking at a dead letter often enough would delete it. A classic queue counts none on any version of
    /// RabbitMQ; a quorum queue, for a cluster, has its limit taken off.
    /// </summary>
    /// <param name="type">The kind of queue.</param>
    /// <param name="broker">The broker's version.</param>
    public static Dictionary<string, object?> DeadLetterQueueArguments(DeadLetterQueueType type, Version broker) => type switch
    {
        DeadLetterQueueType.Quorum => UnlimitedQuorum(broker),
        _ => new() { ["x-queue-type"] = "classic" },
    };

    /// <summary>The last mark takes the place of the one before it.</summary>
    /// <param name="broker">The broker's version.</param>
    internal static Dictionary<string, object?> LedgerQueueArguments(Version broker) =>
        new(UnlimitedQuorum(broker)) { ["x-max-length"] = 1 };

    /// <summary>A quorum queue whose messages may come back to it without end.</summary>
    /// <param name="broker">From 4.0 on a queue that names no limit has one of 20; on 3.x -1 does not mean "none" but "at once".</param>
    internal static Dictionary<string, object?> UnlimitedQuorum(Version broker) => broker.Major >= 4
        ? new() { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = -1 }
        : new() { ["x-queue-type"] = "quorum" };

    /// <summary>What fails on the suspect queue is a dead letter like any other: one place to look.</summary>
    private sealed class OneErrorQueue : IErrorQueueNameFormatter, IDeadLetterQueueNameFormatter
    {
        public string FormatErrorQueueName(string queueName) => InputOf(queueName) + "_error";

        public string FormatDeadLetterQueueName(string queueName) => InputOf(queueName) + "_skipped";

        private static string InputOf(string queueName) => queueName == SuspectQueue ? InputQueue : queueName;
    }
}
