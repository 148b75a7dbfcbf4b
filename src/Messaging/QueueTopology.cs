using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.Contracts;

namespace WorkinIt.Messaging;

/// <summary>
/// The names and arguments that the publisher, the consumer and the deployment must agree on. An argument of an existing
/// queue can't be changed by declaring it again (406 PRECONDITION_FAILED), so all of them are defined here, once.
/// </summary>
public static class QueueTopology
{
    /// <summary>The input queue, and the exchange in front of it, to which replays are published.</summary>
    public const string InputQueue = "send-gif-email";

    /// <summary>The dead-letter queue for messages that failed for good, each with its reason.</summary>
    public const string ErrorQueue = InputQueue + "_error";

    /// <summary>The dead-letter queue for messages of a type that no consumer on the input queue handles.</summary>
    public const string SkippedQueue = InputQueue + "_skipped";

    /// <summary>The fanout exchange to which the broker dead-letters messages that were returned <see cref="DeliveryLimit"/> times.</summary>
    public const string DeadExchange = InputQueue + "_dead";

    /// <summary>
    /// A fanout exchange without bindings. A service publishes to it to check whether the broker accepts messages now. It is named like a fault
    /// exchange, because both services' users have rights to those.
    /// </summary>
    public const string ProbeExchange = "MassTransit:Fault--WorkinIt.Messaging:Probe--";

    /// <summary>
    /// The direct exchange through which Consumers move messages that must wait or be handled alone; the routing key is the queue. Sending declares
    /// the exchange, and the right to do that includes the right to delete a queue of the same name, so no queue has this name.
    /// </summary>
    public const string MoveExchange = InputQueue + "_move";

    /// <summary>The topic exchange to which Consumers report the outcome of replayed messages. The name belongs to WorkinIt.DeadLetters.MassTransit.</summary>
    public const string ReportExchange = "dead-letters.reports";

    /// <summary>
    /// How often a message may return to the input queue before the broker dead-letters it: the last resort for a message that crashes every
    /// process that handles it. The limit is high, because up to RabbitMQ 4.2 an orderly stop counts for each prefetched message.
    /// </summary>
    public const int DeliveryLimit = 1000;

    /// <summary>
    /// The quarantine queue for a message that was in flight at two process crashes. It is handled there alone, so that its
    /// crashes affect no other message.
    /// </summary>
    public const string QuarantineQueue = InputQueue + "_suspect";

    /// <summary>After this many more crashes the message becomes a dead letter: Consumers write it, with the reason, before the broker would at the next return.</summary>
    public const int SuspectDeliveryLimit = 3;

    /// <summary>Holds the copy of the delivery ledger's mark: one message, which shows whether the ledger has lost records.</summary>
    public const string LedgerQueue = InputQueue + "_ledger";

    /// <summary>The queue of events about submissions, for Web.</summary>
    public const string StatusQueue = "submission-status";

    /// <summary>The queues and exchanges that Web uses.</summary>
    public static UsedTopology UsedByWeb { get; } = new(
        [InputQueue, StatusQueue, StatusQueue + "_error", StatusQueue + "_skipped"],
        [NameOf(typeof(SendGifEmail)), InputQueue, StatusQueue + "_error", StatusQueue + "_skipped", ProbeExchange]);

    /// <summary>Returns the queues and exchanges that Consumers use.</summary>
    /// <param name="delays">Their delay queues.</param>
    public static UsedTopology UsedByConsumers(DelaySteps delays) => new(
        [InputQueue, QuarantineQueue, LedgerQueue, ErrorQueue, SkippedQueue, StatusQueue, .. delays.Queues],
        [
            InputQueue, MoveExchange, DeadExchange, ErrorQueue, SkippedQueue, StatusQueue, ProbeExchange,
            NameOf(typeof(GifEmailSent)), NameOf(typeof(GifEmailDelayed)), NameOf(typeof(GifEmailBlocked)), $"MassTransit:Fault--{NameOf(typeof(SendGifEmail))}--",
        ]);

    private static string NameOf(Type message) => $"{message.Namespace}:{message.Name}";

    /// <summary>Configures the input queue: replicated, rejects publishes instead of dropping messages, and dead-letters what the broker gives up on.</summary>
    /// <param name="endpoint">The receive endpoint of <see cref="InputQueue"/>.</param>
    public static void ConfigureInputQueue(IRabbitMqReceiveEndpointConfigurator endpoint) =>
        ConfigureKeptQueue(endpoint, DeliveryLimit, DeadExchange);

    /// <summary>Configures the quarantine queue like the input queue, with a lower limit. Only the input queue's consumers move messages to it.</summary>
    /// <param name="endpoint">The receive endpoint of <see cref="QuarantineQueue"/>.</param>
    public static void ConfigureSuspectQueue(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        endpoint.ConfigureConsumeTopology = false;
        ConfigureKeptQueue(endpoint, SuspectDeliveryLimit, DeadExchange);
    }

    /// <summary>
    /// Configures the queue that Web consumes. Messages that the broker itself dead-letters do not go here: if the binding to the dead-letter queue
    /// were missing, the broker would treat them as kept, although Web consumes them.
    /// </summary>
    /// <param name="endpoint">The receive endpoint of <see cref="StatusQueue"/>.</param>
    public static void ConfigureStatusQueue(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        endpoint.ConfigureConsumeTopology = false; // otherwise it would receive the commands, too
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
        endpoint.SetQueueArgument("x-overflow", "reject-publish"); // required by the at-least-once strategy: dropping the head would lose messages
    }

    /// <summary>Configures an endpoint of a running service, whose topology was deployed and which may not declare any of it.</summary>
    /// <param name="endpoint">The receive endpoint.</param>
    /// <param name="services">Provides <see cref="KeptMoves"/>, which keeps messages that can't be routed to a queue.</param>
    public static void ExpectDeployed(IRabbitMqReceiveEndpointConfigurator endpoint, IServiceProvider services)
    {
        endpoint.ConfigureChannel(channel => channel.UseFilter(new DeployedTopologyFilter()));
        endpoint.PublishFaults = false; // FaultFilter publishes them where a queue receives them
        services.GetRequiredService<KeptMoves>().Use(endpoint);
    }

    /// <summary>
    /// Sets the queues to which MassTransit moves failed and unreadable messages. MassTransit would declare them at the first failure with all
    /// arguments of their input queue, including the delivery limit. They are deployed instead, with their own arguments.
    /// </summary>
    /// <param name="bus">The bus.</param>
    internal static void ConfigureDeadLetterQueues(IRabbitMqBusFactoryConfigurator bus)
    {
        bus.SendTopology.ErrorQueueNameFormatter = new OneErrorQueue();
        bus.SendTopology.DeadLetterQueueNameFormatter = new OneErrorQueue();
    }

    /// <summary>
    /// With a delivery limit, reading a dead letter often enough would delete it. A classic queue counts no deliveries on any version of
    /// RabbitMQ; a quorum queue, for a cluster, is declared without a limit.
    /// </summary>
    /// <param name="type">The kind of queue.</param>
    /// <param name="broker">The broker's version.</param>
    public static Dictionary<string, object?> DeadLetterQueueArguments(DeadLetterQueueType type, Version broker) => type switch
    {
        DeadLetterQueueType.Quorum => UnlimitedQuorum(broker),
        _ => new() { ["x-queue-type"] = "classic" },
    };

    /// <summary>The arguments of the ledger queue: a new mark replaces the one before it.</summary>
    /// <param name="broker">The broker's version.</param>
    internal static Dictionary<string, object?> LedgerQueueArguments(Version broker) =>
        new(UnlimitedQuorum(broker)) { ["x-max-length"] = 1 };

    /// <summary>The arguments of a quorum queue without a delivery limit.</summary>
    /// <param name="broker">The broker's version. From 4.0 on, the default limit is 20; on 3.x, -1 does not mean "no limit" but "at once".</param>
    internal static Dictionary<string, object?> UnlimitedQuorum(Version broker) => broker.Major >= 4
        ? new() { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = -1 }
        : new() { ["x-queue-type"] = "quorum" };

    /// <summary>Sends failures from the quarantine queue to the input queue's dead-letter queues, so that operators have one place to look.</summary>
    private sealed class OneErrorQueue : IErrorQueueNameFormatter, IDeadLetterQueueNameFormatter
    {
        public string FormatErrorQueueName(string queueName) => InputOf(queueName) + "_error";

        public string FormatDeadLetterQueueName(string queueName) => InputOf(queueName) + "_skipped";

        private static string InputOf(string queueName) => queueName == QuarantineQueue ? InputQueue : queueName;
    }
}
