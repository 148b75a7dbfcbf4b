namespace WorkinIt.DeadLetters;

/// <summary>
/// The permissions and the tag that the RabbitMQ user of the console needs, and no more. The broker tests of the command <c>grant</c> run the console
/// with exactly these, and without each of them.
/// </summary>
/// <param name="queues">The patterns of the application's input queues, as in <see cref="QueuePattern"/>.</param>
/// <param name="names">The names of the dead-letter queues.</param>
/// <param name="mayOperate">Whether the user replays, edits, discards and restores. Otherwise it only looks.</param>
internal sealed class NeededRights(IReadOnlyList<string> queues, DeadLetterQueueNames names, bool mayOperate)
{
    private const string Locks = QueueLock.Prefix + ".*";
    private const string Reports = @"dead-letters\.reports";
    private const string Feed = @"dead-letters\.feed";

    private readonly string _queue = QueuePattern.ToRegex(queues);

    /// <summary>The tag for the management API: the least one. It also shows the alarms that would stop an operation.</summary>
    public const string Tag = "management";

    /// <summary>Why the tag is needed.</summary>
    public const string WhyTag = "the management API: lists queues and bindings, and shows alarms before an operation";

    /// <summary>The permissions.</summary>
    /// <param name="more">More exchanges to read from, and why; see <see cref="RightsSurvey"/>.</param>
    public IReadOnlyList<NeededRight> List(IEnumerable<(string Exchange, string Why)> more) =>
    [
        .. Configure(), .. Write(), .. Read(),
        .. more.Where(one => !IsRead(one.Exchange)).Select(one => new NeededRight(BrokerPermission.Read, QueuePattern.Literal(one.Exchange), one.Why)),
    ];

    /// <summary>Whether the patterns cover an input queue.</summary>
    public bool Covers(string inputQueue) => QueuePattern.Matches(_queue, inputQueue);

    /// <summary>Whether the user may read a dead-letter queue or exchange of that name.</summary>
    public bool IsRead(string name) => DeadLetterQueues().Any(queue => QueuePattern.Matches(queue.Pattern, name));

    private IEnumerable<NeededRight> Configure()
    {
        yield return new(BrokerPermission.Configure, Locks, "its own temporary queues: one operation at a time on a queue");
        yield return new(BrokerPermission.Configure, Feed, "its own queue of copies, for the catalogue");
        yield return new(BrokerPermission.Configure, Reports, "the exchange and the queue of the outcomes that applications report");
        if (!mayOperate)
            yield break;
        foreach (var queue in Discarded())
            yield return new(BrokerPermission.Configure, queue, "to create the queue of discarded messages");
    }

    private IEnumerable<NeededRight> Write()
    {
        yield return new(BrokerPermission.Write, Feed, "to bind its queue of copies");
        yield return new(BrokerPermission.Write, Reports, "to bind its queue of outcomes");
        if (!mayOperate)
            yield break;
        yield return new(BrokerPermission.Write, Locks, "to bind the temporary queues of a replay: outcomes, and new failures");
        yield return new(BrokerPermission.Write, @"amq\.default", "discard, restore, and copies: they are published directly to a queue");
        yield return new(BrokerPermission.Write, _queue, "replay: to the exchange of the input queue");
    }

    private IEnumerable<NeededRight> Read()
    {
        foreach (var (pattern, why) in DeadLetterQueues())
            yield return new(BrokerPermission.Read, pattern, why);
        yield return new(BrokerPermission.Read, Feed, "to consume its queue of copies");
        yield return new(BrokerPermission.Read, Reports, "to bind and consume its queue of outcomes");
        if (mayOperate)
            yield return new(BrokerPermission.Read, Locks, "to consume the temporary queues of a replay");
    }

    private IEnumerable<(string Pattern, string Why)> DeadLetterQueues() => names.Forms.Select(form => (Pattern(form), form.End switch
    {
        "_discarded" => "discarded messages",
        "_skipped" => "messages that no consumer took, and their exchange",
        _ => "failed messages, and their exchange",
    }));

    private IEnumerable<string> Discarded() => names.Forms
        .Where(form => form.End == "_discarded" || !form.HasStar)
        .Select(form => form.HasStar ? Pattern(form) : QueuePattern.Literal(form.Start + "_discarded"));

    private string Pattern((string Start, string End, bool HasStar) form) =>
        form.HasStar ? QueuePattern.Literal(form.Start) + _queue + QueuePattern.Literal(form.End) : QueuePattern.Literal(form.Start);
}
