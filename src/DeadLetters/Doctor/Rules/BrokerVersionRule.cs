using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A version of RabbitMQ that gets no more free updates.</summary>
internal sealed class BrokerVersionRule : DoctorRule
{
    // The end of community support of each series, the newest first. Source: endoflife.date/rabbitmq as of 2026-08-22, which follows
    // rabbitmq.com/release-information. A series that ended later is not here, so the rule does not find it.
    private static readonly (Version Series, DateOnly Ended)[] _ended =
    [
        (new(4, 2), new(2026, 7, 31)), (new(4, 1), new(2026, 1, 30)), (new(4, 0), new(2025, 4, 15)), (new(3, 13), new(2024, 9, 17)), (new(3, 12), new(2024, 2, 21)),
    ];

    public override string Id => "broker-version";

    public override string Title => "RabbitMQ 4.2 or older: the series gets no more free updates";

    public override string Seen => "3.10.8";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host)
    {
        var series = new Version(host.Broker.Major, host.Broker.Minor);
        if (series.Major == 0 || series > _ended[0].Series)
            yield break;
        var ended = _ended.Where(one => one.Series == series).Select(one => string.Create(CultureInfo.InvariantCulture, $" since {one.Ended:yyyy-MM-dd}")).FirstOrDefault();
        yield return Of(
            FindingSeverity.Advice,
            $"The broker is RabbitMQ {host.Broker}, and the series {series} gets no more free updates{ended}",
            series.Major < 4
                ? "Security fixes are made for newer versions only. Some settings mean something else on RabbitMQ 4: the default delivery limit of quorum queues, -1 as a limit, the maximum size of a message, returned messages"
                : "Security fixes are made for newer versions only. Some settings mean something else on RabbitMQ 4.3: a returned message does not count toward a delivery limit, and classic queues have no consumer timeout",
            "Plan the upgrade to RabbitMQ 4.3 or later, and run this check again on the new broker before the applications move");
    }
}
