using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>Messages that are too large for RabbitMQ 4.</summary>
internal sealed class LargeMessageRule : DoctorRule
{
    private const long DefaultLimit = 16 * 1024 * 1024; // max_message_size of RabbitMQ 4.x, in bytes of the body

    public override string Id => "large-messages";

    public override string Title => "Messages of more than 16 MiB on average, before 4.0: RabbitMQ 4 refuses them by default, so they can’t be brought over or replayed there";

    public override string Seen => "3.10.8 (takes them), 4.3.6 (refuses them)";

    // Only the average can be read without reading messages: at least one message is as large.
    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where host.Broker.Major < 4 && queue.Messages > 0 && queue.Bytes / queue.Messages > DefaultLimit
        select Of(
            queue, FindingSeverity.Warning,
            string.Create(CultureInfo.InvariantCulture, $"The messages in {queue.Name} have {queue.Bytes / queue.Messages / (1024 * 1024)} MiB on average"),
            "RabbitMQ 4 takes at most 16 MiB by default, and closes the channel of a publisher that sends more (406)",
            "Before an upgrade, raise max_message_size in the new broker's configuration, or send a reference to the data instead of the data");
}
