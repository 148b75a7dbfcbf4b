using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A queue of dead letters.</summary>
/// <param name="Name">The queue's name.</param>
/// <param name="Messages">How many messages are ready in it; if none is ready, how many are in flight.</param>
/// <param name="InputQueue">The queue whose dead letters these are, derived from the name.</param>
/// <param name="IsDiscarded">Whether it holds discarded messages.</param>
/// <param name="AccessWarning">What to consider before reading the queue: the cost, or who is working on it; null if nothing.</param>
[SuppressMessage("Naming", "CA1711", Justification = "Dead-letter queue is the established term")]
public sealed record DeadLetterQueue(string Name, long Messages, string InputQueue, bool IsDiscarded, string? AccessWarning)
{
    /// <summary>How many of its messages RabbitMQ's delayed retry hides now; they come back automatically. The management API's count, which is some seconds late.</summary>
    public long Hidden { get; init; }

    /// <summary>Whether reading a message hides it, for as long as the queue's delayed retry says.</summary>
    public bool HidesReadMessages { get; init; }
}

/// <summary>Where messages with an id were found.</summary>
/// <param name="Places">The messages and their queues.</param>
/// <param name="NotSearched">The queues that hold messages and were not searched: reading them has a cost, or another operation is running (see <see cref="DeadLetterQueue.AccessWarning"/>).</param>
public sealed record SearchResult(IReadOnlyList<FoundMessage> Places, IReadOnlyList<DeadLetterQueue> NotSearched);

/// <summary>One page of a list of dead letters.</summary>
/// <param name="Letters">The dead letters of the page, in the queue's order.</param>
/// <param name="Ready">How many messages were ready in the queue when reading began.</param>
/// <param name="Examined">How many of them were read.</param>
/// <param name="Matching">How many of these match the filter.</param>
public sealed record DeadLetterPage(IReadOnlyList<DeadLetter> Letters, long Ready, long Examined, long Matching)
{
    /// <summary>How many more messages RabbitMQ's delayed retry hid at that time.</summary>
    public long Hidden { get; init; }
}

/// <summary>The causes in a queue.</summary>
/// <param name="Groups">The causes, the largest first.</param>
/// <param name="Ready">How many messages were ready in the queue when reading began.</param>
/// <param name="Examined">How many of them were read.</param>
public sealed record CausePage(IReadOnlyList<CauseGroup> Groups, long Ready, long Examined)
{
    /// <summary>How many more messages RabbitMQ's delayed retry hid at that time.</summary>
    public long Hidden { get; init; }
}

/// <summary>The parameters of an operation on dead letters.</summary>
public record OperationRequest
{
    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Which messages of the queue.</summary>
    public required DeadLetterFilter Filter { get; init; }

    /// <summary>The operator: stamped on the messages, and written to the audit log.</summary>
    public required string By { get; init; }

    /// <summary>How many messages a dry run selected, so that the result can report how many of them are gone; null if there was no dry run.</summary>
    public long? Expected { get; init; }

    /// <summary>The operation's id in the audit log, without a dot; null: a new one. No two operations may have the same.</summary>
    public string? OperationId { get; init; }
}

/// <summary>The parameters of a discard.</summary>
public sealed record DiscardRequest : OperationRequest
{
    /// <summary>Whether the operator states that the work of these messages was done.</summary>
    public bool WasSent { get; init; }

    /// <summary>Whether to move also messages of AMQP 1.0 clients that lose something; see <see cref="ReplayRequest.AcceptLoss"/>.</summary>
    public bool AcceptLoss { get; init; }
}

/// <summary>A message that was left in its queue.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null if it has none.</param>
/// <param name="Why">The reason.</param>
public sealed record Refusal(string Id, string? MessageId, string Why)
{
    /// <summary>Whether it was left only because of an earlier dead letter of its key; see <see cref="ReplayRequest.InOrderBy"/>.</summary>
    public bool IsHeldBack { get; init; }
}

/// <summary>The result of an operation.</summary>
/// <param name="Id">The operation's id.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Selected">How many messages were selected.</param>
/// <param name="Done">How many messages were moved, including <see cref="Settled"/> ones; of a dry run: how many would be, without them.</param>
/// <param name="Refused">The messages that were left in their queue.</param>
/// <param name="Replayed">For a replay and its dry run: each message and its outcome. For the dry run of a discard: each message and its verdict.</param>
/// <param name="Stopped">Why it ended early; null if it completed.</param>
public sealed record OperationResult(
    string Id, string Queue, long Selected, long Done, IReadOnlyList<Refusal> Refused, IReadOnlyList<Replayed> Replayed, string? Stopped)
{
    /// <summary>How many messages the queue held when the operation began, including those that RabbitMQ's delayed retry hides.</summary>
    public long Held { get; init; }

    /// <summary>Whether the operation waited for outcomes.</summary>
    public bool OutcomesAwaited { get; init; }

    /// <summary>The messages that were published, but never confirmed or never acked: they are where they were, and may be in their target queue too.</summary>
    public IReadOnlyList<Doubt> Doubts { get; init; } = [];

    /// <summary>For a replay: why the reports of the application could not be received, and what to do about it; null if they could be.</summary>
    public string? ReportsProblem { get; init; }

    /// <summary>For a replay with <see cref="ReplayRequest.FollowsLater"/>: the outcomes after its end; otherwise null. The caller disposes of it.</summary>
    public LaterOutcomes? Later { get; init; }

    /// <summary>For a replay: why one of the delayed messages waits, as the application describes it; null if none is delayed or the application does not know.</summary>
    public string? DelayReason { get; init; }

    /// <summary>How many unconfirmed messages of an earlier run had arrived after all, and so were removed instead of replayed.</summary>
    public long Settled { get; init; }

    /// <summary>For the dry run of a repair: what it would change, by cause.</summary>
    public IReadOnlyList<RepairedCause> Repairs { get; init; } = [];

    /// <summary>For the dry run of a replay: how many messages each of its steps would move; one step if it would move all at once.</summary>
    public IReadOnlyList<long> Steps { get; init; } = [];

    /// <summary>For the dry run of a replay: the ids of the causes of the messages that would be moved; see <see cref="ReplayRequest.Causes"/>.</summary>
    public IReadOnlyCollection<string> Causes { get; init; } = [];

    /// <summary>For a replay with <see cref="ReplayRequest.InOrderBy"/> and its dry run: the keys, and which of them are held back; otherwise null.</summary>
    public ReplayOrder? Order { get; init; }

    /// <summary>The pause at which a replay ended; null if it did not end at one.</summary>
    public ReplayPause? Pause { get; init; }

    /// <summary>
    /// How many of the selected messages were not found: they have expired, another user has moved them, or RabbitMQ's delayed retry hides them. Zero
    /// if the operation ended early.
    /// </summary>
    public long Missing => Stopped is null ? Selected - Done - Refused.Count - Doubts.Count : 0;

    /// <summary>The number of messages with each outcome.</summary>
    public OutcomeCounts Outcomes => OutcomeCounts.Count(Replayed);

    /// <summary>
    /// Whether every selected message was moved and, if the operation waited for outcomes, each one is known to be handled or delayed. A message that
    /// nothing was reported about is not known.
    /// </summary>
    public bool IsComplete => Stopped is null && Refused.Count == 0 && Missing == 0 && Replayed.All(message => message.Outcome is Outcome.Handled or Outcome.Delayed
        || (!OutcomesAwaited && message.Outcome is Outcome.Waiting or Outcome.LeftQueue or Outcome.Taken));

    /// <summary>The result of a replay in one line, as in <c>173 of 840 replayed: 173 failed again</c>.</summary>
    public string Headline => HeadlineWith(Outcomes);

    /// <summary>The headline with other outcomes, such as those known later.</summary>
    /// <param name="outcomes">The outcomes.</param>
    public string HeadlineWith(OutcomeCounts outcomes) => string.Create(CultureInfo.InvariantCulture,
        $"{Done - Settled:N0} of {Selected - Settled:N0} replayed{(Replayed.Count == 0 ? "" : OutcomesAwaited || outcomes.Unknown < Replayed.Count ? $": {outcomes}" : ": outcomes not waited for")}{(Order is { HeldBack.Count: > 0 } order ? $"; {order.HeldSummary}" : "")}");
}

/// <summary>The progress of an operation.</summary>
/// <param name="Examined">Messages read.</param>
/// <param name="Total">Messages to be read.</param>
/// <param name="Done">Messages moved.</param>
/// <param name="Refused">Messages left in their queue.</param>
/// <param name="Known">For a replay: messages whose outcome is known.</param>
/// <param name="Waiting">Whether the operation waits for the outcomes of the moved messages.</param>
public sealed record OperationProgress(long Examined, long Total, long Done, long Refused, long Known, bool Waiting)
{
    /// <summary>For a replay: the number of messages with each outcome so far.</summary>
    public OutcomeCounts Outcomes { get; init; } = OutcomeCounts.None;

    /// <summary>Why RabbitMQ accepts no messages now; null if it does.</summary>
    public string? Blocked { get; init; }

    /// <summary>The operation's id in the audit log; null for a dry run, and until the log has it.</summary>
    public string? OperationId { get; init; }

    /// <summary>For a replay in steps: the number of its current step since the last pause, from 1; 0 if it has no steps.</summary>
    public int Step { get; init; }

    /// <summary>How many messages the current step moves at most.</summary>
    public long StepSize { get; init; }

    /// <summary>Whether the next step waits for the outcomes of the current one.</summary>
    public bool Settling { get; init; }

    /// <summary>Why the replay is paused; null if it is not.</summary>
    public ReplayPause? Paused { get; init; }
}

/// <summary>A message that was published, but never confirmed or never acked. It is where it was, and may be in its target queue too.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null if it has none.</param>
/// <param name="ReplayId">The stamp on the copy; null if it is not a replay.</param>
public sealed record Doubt(string Id, string? MessageId, string? ReplayId);

/// <summary>A message and the queue that it is in.</summary>
/// <param name="Letter">The message.</param>
/// <param name="Queue">The queue.</param>
public sealed record FoundMessage(DeadLetter Letter, DeadLetterQueue Queue);
