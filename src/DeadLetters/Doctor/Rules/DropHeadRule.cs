using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>An input queue with a maximum length that makes room by dropping its oldest message.</summary>
internal sealed class DropHeadRule : DoctorRule
{
    private static readonly string[] _lengths = ["max-length", "max-length-bytes"];

    public override string Id => "drop-head";

    public override string Title => "An input queue with a maximum length and the overflow drop-head (the default): a replay, and any publisher, pushes out its oldest messages";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Inputs
        let limits = _lengths.Where(length => queue.Limit(length) is not null).Select(length => string.Create(CultureInfo.InvariantCulture, $"{length} {queue.Limit(length)} ({VirtualHostSnapshot.OriginOf(queue, length)})")).ToList()
        where limits.Count > 0 && (queue.Overflow is null or "drop-head")
        let next = queue.Texts("dead-letter-exchange").Count > 0
        select Of(
            queue, next ? FindingSeverity.Warning : FindingSeverity.Loss,
            $"{queue.Name} drops its oldest message when it is full: {string.Join(", ", limits)}",
            $"The publisher gets a confirm for the new message; the oldest one is {(next ? "dead-lettered" : "deleted")}. A replay refuses what would not fit, but other publishers do not",
            $"{Remedy(queue)}. A publisher then learns that the queue is full");

    // A classic queue follows its argument, whatever the policy says.
    private static string Remedy(BrokerQueue queue) => queue.Type != "quorum" && VirtualHostSnapshot.IsByArgument(queue, "overflow")
        ? $"Declare the queue with the overflow reject-publish: no policy can change it, because a classic queue follows its argument. {DeclareAgain}"
        : ByPolicy(queue, "overflow reject-publish");
}
