using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A queue of dead letters.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Messages">How many are ready in it; where none is, how many are in somebody's hand.</param>
/// <param name="InputQueue">The queue whose dead letters these are, by its name.</param>
/// <param name="IsDiscarded">Whether it holds what was discarded.</param>
/// <param name="AccessWarning">What stands in the way of a look: its price, or who is at work there; null where nothing does.</param>
[SuppressMessage("Naming", "CA1711", Justification = "A dead-letter queue is what everybody calls it")]
public sealed record DeadLetterQueue(string Name, long Messages, string InputQueue, bool IsDiscarded, string? AccessWarning)
{
    /// <summary>How many of its messages RabbitMQ's delayed retry hides now; they come back automatically. As the management API counts them, some seconds late.</summary>
    public long Hidden { get; init; }

    /// <summary>Whether a look hides what was looked at, for as long as the queue's delayed retry says.</summary>
    public bool HidesReadMessages { get; init; }
}

/// <summary>Where a message is.</summary>
/// <param name="Places">Where it was found.</param>
/// <param name="NotSearched">What holds dead letters and was not searched: a look is counted there, or somebody is at work (see <see cref="DeadLetterQueue.AccessWarning"/>).</param>
public sealed record SearchResult(IReadOnlyList<FoundMessage> Places, IReadOnlyList<DeadLetterQueue> NotSearched);

/// <summary>What a list shows.</summary>
/// <param name="Letters">Those of the page, in the queue's order.</param>
/// <param name="Ready">How many the queue held when the look began.</param>
/// <param name="Examined">How many of them were looked at.</param>
/// <param name="Matching">How many of these match.</param>
public sealed record DeadLetterPage(IReadOnlyList<DeadLetter> Letters, long Ready, long Examined, long Matching)
{
    /// <summary>How many more RabbitMQ's delayed retry hid then.</summary>
    public long Hidden { get; init; }
}

/// <summary>The causes in a queue.</summary>
/// <param name="Groups">The largest first.</param>
/// <param name="Ready">How many the queue held when the look began.</param>
/// <param name="Examined">How many of them were looked at.</param>
public sealed record CausePage(IReadOnlyList<CauseGroup> Groups, long Ready, long Examined)
{
    /// <summary>How many more RabbitMQ's delayed retry hid then.</summary>
    public long Hidden { get; init; }
}

/// <summary>What to do with which dead letters.</summary>
public record OperationRequest
{
    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Which of its messages.</summary>
    public required DeadLetterFilter Filter { get; init; }

    /// <summary>The person who asks for it: stamped on the messages, written to the audit log.</summary>
    public required string By { get; init; }
}

/// <summary>A replay.</summary>
public sealed record ReplayRequest : OperationRequest
{
    /// <summary>The slowest pace, in messages a second: one in 5 minutes, for while one waits for its turn it is held, and the broker does not wait for ever.</summary>
    public const double LeastPace = 1.0 / 300;

    /// <summary>Messages a second, not less than <see cref="LeastPace"/>; null: as fast as it goes.</summary>
    public double? Pace { get; init; }

    /// <summary>Whether to replay one first, and go on only when it has succeeded.</summary>
    public bool Canary { get; init; }

    /// <summary>How long to wait for the outcomes after the last message; zero: not at all.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long to wait for the outcomes after a cancel, where <see cref="Wait"/> is longer.</summary>
    public TimeSpan WaitAfterCancel { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many a dry run has found, so that the result can say how many of them; null where there was none.</summary>
    public long? Expected { get; init; }

    /// <summary>Whether those whose outcome is unknown are to be done again.</summary>
    public bool SendAgain { get; init; }

    /// <summary>The queue to replay to; null: the one that each message failed in.</summary>
    public string? To { get; init; }

    /// <summary>Whether to take the address out of requests that their consumer would answer to.</summary>
    public bool WithoutResponse { get; init; }

    /// <summary>Another <c>message</c>, as JSON; only where the filter means exactly one.</summary>
    public string? Edited { get; init; }
}

/// <summary>A discard.</summary>
public sealed record DiscardRequest : OperationRequest
{
    /// <summary>Whether the person says that the work of these messages was done.</summary>
    public bool WasSent { get; init; }
}

/// <summary>A message that was left where it was.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null where it has none.</param>
/// <param name="Why">Why.</param>
public sealed record Refusal(string Id, string? MessageId, string Why);

/// <summary>What an operation did.</summary>
/// <param name="Id">The operation's id.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Selected">How many messages were meant.</param>
/// <param name="Done">How many were moved (of a dry run: would be).</param>
/// <param name="Refused">Those that were left where they were.</param>
/// <param name="Replayed">Of a replay and its dry run: each message and its outcome.</param>
/// <param name="Stopped">Why it ended before its time; null when it did not.</param>
public sealed record OperationResult(
    string Id, string Queue, long Selected, long Done, IReadOnlyList<Refusal> Refused, IReadOnlyList<Replayed> Replayed, string? Stopped)
{
    /// <summary>How many messages the queue held when it began, those included that RabbitMQ's delayed retry hides.</summary>
    public long Held { get; init; }

    /// <summary>Whether outcomes were waited for.</summary>
    public bool OutcomesAwaited { get; init; }

    /// <summary>Published and never confirmed: these are where they were, and may be in their queue too.</summary>
    public IReadOnlyList<Doubt> Doubts { get; init; } = [];

    /// <summary>How many of an earlier run's unconfirmed ones had arrived after all, and so were taken off instead of replayed.</summary>
    public long Settled { get; init; }

    /// <summary>How many have which outcome.</summary>
    public OutcomeCounts Outcomes => OutcomeCounts.Count(Replayed);

    /// <summary>
    /// Whether each message that was meant was moved and, where outcomes were waited for, each is known to be handled or delayed. One of which
    /// nothing was heard is not known.
    /// </summary>
    public bool AllAsAsked => Stopped is null && Refused.Count == 0 && Replayed.All(message => message.Outcome is Outcome.Handled or Outcome.Delayed
        || (!OutcomesAwaited && message.Outcome is Outcome.Waiting or Outcome.LeftQueue));

    /// <summary>The results of a replay in one line, as in <c>173 of 840 replayed: 173 failed again</c>.</summary>
    public string Headline => string.Create(CultureInfo.InvariantCulture,
        $"{Done:N0} of {Selected:N0} replayed{(Replayed.Count == 0 ? "" : OutcomesAwaited || Outcomes.Waiting + Outcomes.LeftQueue < Replayed.Count ? $": {Outcomes}" : ": outcomes not waited for")}");
}

/// <summary>How far an operation is.</summary>
/// <param name="Examined">Messages looked at.</param>
/// <param name="Total">Messages to be looked at.</param>
/// <param name="Done">Messages moved.</param>
/// <param name="Refused">Messages left where they were.</param>
/// <param name="Known">Of a replay: messages whose outcome is known.</param>
/// <param name="Waiting">Whether all is moved, and the outcomes are waited for.</param>
public sealed record OperationProgress(long Examined, long Total, long Done, long Refused, long Known, bool Waiting)
{
    /// <summary>Of a replay: how many have which outcome so far.</summary>
    public OutcomeCounts Outcomes { get; init; } = OutcomeCounts.None;

    /// <summary>Why RabbitMQ takes no messages now; null where it does.</summary>
    public string? Blocked { get; init; }
}

/// <summary>A message that was published and never confirmed. It is where it was, and may be in its queue too.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null where it has none.</param>
/// <param name="ReplayId">The stamp on the copy; null where it is no replay.</param>
public sealed record Doubt(string Id, string? MessageId, string? ReplayId);

/// <summary>Where a message stands.</summary>
/// <param name="Letter">The message.</param>
/// <param name="Queue">The queue.</param>
public sealed record FoundMessage(DeadLetter Letter, DeadLetterQueue Queue);
