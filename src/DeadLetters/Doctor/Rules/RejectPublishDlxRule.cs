namespace WorkinIt.DeadLetters;

/// <summary>A quorum queue with the overflow reject-publish-dlx, which only classic queues have.</summary>
internal sealed class RejectPublishDlxRule : DoctorRule
{
    public override string Id => "reject-publish-dlx";

    public override string Title => "A quorum queue with the overflow reject-publish-dlx: the broker takes it, and drops the oldest message instead";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where queue.Type == "quorum" && queue.Overflow == "reject-publish-dlx"
        select Of(
            queue, queue.Texts("dead-letter-exchange").Count > 0 ? FindingSeverity.Warning : FindingSeverity.Loss,
            $"{queue.Name} does not do what its overflow says: reject-publish-dlx ({VirtualHostSnapshot.OriginOf(queue, "overflow")})",
            "Only classic queues have it. A quorum queue takes the setting, confirms the new message, and drops its oldest one when it is full",
            VirtualHostSnapshot.IsByPolicy(queue, "overflow") ? $"Set the overflow reject-publish in the {VirtualHostSnapshot.PolicyOf(queue)}"
                : $"{ByPolicy(queue, "overflow reject-publish")}: a quorum queue follows the policy, not its argument");
}
