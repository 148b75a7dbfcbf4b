namespace WorkinIt.DeadLetters;

/// <summary>A version of RabbitMQ that gets no more free updates.</summary>
internal sealed class BrokerVersionRule : DoctorRule
{
    private static readonly Version _oldestSupported = new(4, 0);

    public override string Id => "broker-version";

    public override string Title => "RabbitMQ 3: it gets no more free updates";

    public override string Seen => "3.10.8";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) => host.Broker >= _oldestSupported || host.Broker.Major == 0 ? [] :
    [
        Of(
            FindingSeverity.Advice,
            $"The broker is RabbitMQ {host.Broker}, which gets no more free updates",
            "Security fixes are made for newer versions only. Some settings mean something else on RabbitMQ 4: the default delivery limit of quorum queues, -1 as a limit, the maximum size of a message, returned messages",
            "Plan the upgrade to RabbitMQ 4, and run this check again on the new broker before the applications move"),
    ];
}
