namespace WorkinIt.DeadLetters;

/// <summary>What is known of the headers and properties that MassTransit, RabbitMQ and this library write.</summary>
internal static class PartMeanings
{
    private const int MassTransitCut = 2048;

    private static readonly Dictionary<string, (PartOrigin Origin, string Meaning)> _exact = new()
    {
        ["MT-Reason"] = (PartOrigin.MassTransit, "Why MassTransit moved the message: fault if its consumer failed, dead-letter if no consumer handles its type"),
        ["MT-Fault-ExceptionType"] = (PartOrigin.MassTransit, "The type of the exception"),
        ["MT-Fault-Message"] = (PartOrigin.MassTransit, "The message of the exception. The exception’s Data is not on a dead letter: only the Fault event has it"),
        ["MT-Fault-StackTrace"] = (PartOrigin.MassTransit, "The stack trace of the exception"),
        ["MT-Fault-Timestamp"] = (PartOrigin.MassTransit, "When the consumer failed"),
        ["MT-Fault-InputAddress"] = (PartOrigin.MassTransit, "The queue in which the message failed. A replay goes back to it"),
        ["MT-Fault-ConsumerType"] = (PartOrigin.MassTransit, "The consumer that failed"),
        ["MT-Fault-MessageType"] = (PartOrigin.MassTransit, "The type that the consumer took the message for"),
        ["MT-Fault-RetryCount"] = (PartOrigin.MassTransit, "How often it was retried in place before the failure that is recorded here"),
        ["MT-Fault-RedeliveryCount"] = (PartOrigin.MassTransit, "How often it was redelivered with a delay before the failure that is recorded here"),
        ["MT-Fault-Address"] = (PartOrigin.MassTransit, "Where the sender wants the Fault event"),
        ["MT-Redelivery-Count"] = (PartOrigin.MassTransit, "How often MassTransit has redelivered it with a delay. Without it, redelivery begins anew"),
        ["MT-Forwarder-Address"] = (PartOrigin.MassTransit, "The endpoint that moved it here"),
        ["MT-OriginalMessageId"] = (PartOrigin.MassTransit, "The MessageId before a redelivery gave it a new one"),
        ["MT-Source-Address"] = (PartOrigin.MassTransit, "The endpoint of the sender"),
        ["MT-Response-Address"] = (PartOrigin.MassTransit, "Where the consumer sends its response. If that no longer exists, the consumer may run twice"),
        ["MT-Activity-Id"] = (PartOrigin.MassTransit, "The trace of the sender"),
        ["MT-Activity-Propagation"] = (PartOrigin.MassTransit, "How the consumer’s trace is related to the sender’s: Link begins a new trace"),
        ["publishId"] = (PartOrigin.MassTransit, "MassTransit’s number for the confirm of the broker"),
        ["Content-Type"] = (PartOrigin.MassTransit, "The format of the body"),
        ["x-dotnet-pub-seq-no"] = (PartOrigin.RabbitMq, "The .NET client’s number for the confirm of the broker"),
        ["traceparent"] = (PartOrigin.Sender, "The sender’s place in a trace"),
        ["tracestate"] = (PartOrigin.Sender, "The sender’s place in a trace"),
        ["x-death"] = (PartOrigin.RabbitMq, "How often, when and why the broker dead-lettered it, for each queue and reason"),
        ["x-delivery-count"] = (PartOrigin.RabbitMq, "How often it came back to a quorum queue. RabbitMQ 3.10.8 counts each return; 4.3.6 counts basic.reject and lost connections, and not basic.nack, by which MassTransit returns"),
        ["x-acquired-count"] = (PartOrigin.RabbitMq, "How often a quorum queue of RabbitMQ 4 has delivered it, returns by basic.nack included"),
        ["x-shovelled"] = (PartOrigin.Shovel, "A shovel moved it. A shovel copies the counts of returns of a quorum queue as they were"),
        ["x-shovelled-timestamp"] = (PartOrigin.Shovel, "When the shovel moved it, in Unix seconds"),
        ["x-received-from"] = (PartOrigin.Shovel, "The brokers that a federation link brought it from"),
        ["x-message-id"] = (PartOrigin.RabbitMq, "The binary message id that an AMQP 1.0 client gave it"),
        ["x-correlation-id"] = (PartOrigin.RabbitMq, "The binary correlation id that an AMQP 1.0 client gave it"),
        ["CC"] = (PartOrigin.Sender, "More routing keys: the broker sent a copy to each"),
        ["BCC"] = (PartOrigin.Sender, "More routing keys: the broker sent a copy to each, and removes this header on delivery"),
        [Headers.ReplayId] = (PartOrigin.Operation, "The last replay, and the message’s number in it"),
        [Headers.ReplayBy] = (PartOrigin.Operation, "Who replayed it last"),
        [Headers.ReplayAt] = (PartOrigin.Operation, "When it was replayed last"),
        [Headers.ReplayCount] = (PartOrigin.Operation, "How often it was replayed"),
        [Headers.ReplayHistory] = (PartOrigin.Operation, "The earlier tries that failed"),
        [Headers.ReplaySendAgain] = (PartOrigin.Operation, "The operator accepted that the work may be done twice"),
        [Headers.ReplayCopy] = (PartOrigin.Operation, "This is a copy: the dead letter stayed in its queue"),
        [Headers.OriginalExpiration] = (PartOrigin.Operation, "The time to live that it had before it was moved"),
        [Headers.OriginalDeliveryMode] = (PartOrigin.Operation, "The delivery mode that it had before it was moved: 1 is not persistent"),
        [Headers.DiscardedExpiration] = (PartOrigin.Operation, "The time to live that it had before it was discarded"),
        ["Original-User-Id"] = (PartOrigin.Operation, "The RabbitMQ user who sent it. A broker accepts the property user_id only from that user"),
        ["Original-CC"] = (PartOrigin.Operation, "Its header CC: under that name, a move would send copies"),
        ["Original-BCC"] = (PartOrigin.Operation, "Its header BCC: under that name, a move would send copies"),
    };

    private static readonly (string Prefix, PartOrigin Origin, string Meaning)[] _prefixes =
    [
        ("MT-Host-", PartOrigin.MassTransit, "The process that failed"),
        ("MT-Quartz-", PartOrigin.MassTransit, "The schedule that sent it"),
        ("MT-Scheduling-", PartOrigin.MassTransit, "The schedule that sent it"),
        ("MT-", PartOrigin.MassTransit, "Written by MassTransit"),
        ("x-first-death-", PartOrigin.RabbitMq, "The first time that the broker dead-lettered it"),
        ("x-last-death-", PartOrigin.RabbitMq, "The last time that the broker dead-lettered it"),
        ("x-amqp-1.0-", PartOrigin.RabbitMq, "A section of the message that an AMQP 1.0 client sent. RabbitMQ 3 gives it back to an AMQP 1.0 client"),
        ("x-opt-", PartOrigin.RabbitMq, "An annotation of AMQP 1.0"),
        (Headers.DiscardedPrefix, PartOrigin.Operation, "Written by the discard, for a restore"),
    ];

    private static readonly Dictionary<string, string> _properties = new()
    {
        ["delivery_mode"] = "2: persistent, it survives a restart of the broker; 1: it does not. A moved message always is persistent",
        ["expiration"] = "The time to live in its queue, in milliseconds. A moved message has none",
        ["type"] = "The kind of message, by the sender’s own name. amqp-1.0: the body is a section of an AMQP 1.0 message",
        ["user_id"] = "The RabbitMQ user who sent it, which the broker has checked",
        ["reply_to"] = "Where the sender expects a response",
        ["correlation_id"] = "What the sender relates it to",
        ["timestamp"] = "When it was sent, by the sender’s clock",
        ["app_id"] = "The application of the sender. A group id of AMQP 1.0 comes as this",
    };

    /// <summary>Who added a header, and what it means; the meaning is null if only the sender knows.</summary>
    /// <param name="name">The header's name.</param>
    /// <param name="length">The length of its value, in characters.</param>
    public static (PartOrigin Origin, string? Meaning) OfHeader(string name, int length)
    {
        if (_exact.TryGetValue(name, out var known))
            return (known.Origin, name is "MT-Fault-Message" or "MT-Fault-StackTrace" && length >= MassTransitCut ? $"{known.Meaning}. Cut by MassTransit at 2,048 characters" : known.Meaning);
        foreach (var (prefix, origin, meaning) in _prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                return (origin, meaning);
        }
        return (PartOrigin.Sender, null);
    }

    /// <summary>What a property means; null if only the sender knows.</summary>
    /// <param name="name">The property's name.</param>
    public static string? OfProperty(string name) => _properties.GetValueOrDefault(name);
}
