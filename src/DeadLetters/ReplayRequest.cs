namespace WorkinIt.DeadLetters;

/// <summary>The parameters of a replay.</summary>
public sealed record ReplayRequest : OperationRequest
{
    /// <summary>The slowest pace, in messages per second: one in 5 minutes. A message is held while it waits for its turn, and the broker does not wait forever.</summary>
    public const double LeastPace = 1.0 / 300;

    /// <summary>Messages per second, at least <see cref="LeastPace"/>; null: as fast as possible.</summary>
    public double? Pace { get; init; }

    /// <summary>Whether to replay one message first, and continue only if its outcome is <see cref="Outcome.Handled"/>.</summary>
    public bool Canary { get; init; }

    /// <summary>
    /// Whether to move the messages as fast as the broker and <see cref="Pace"/> allow. Otherwise the replay goes in steps that grow, each after the outcomes
    /// of the one before, and pauses if too many fail. A replay that waits for no outcome (<see cref="Wait"/>) or selects at most five messages has no steps.
    /// </summary>
    public bool AllAtOnce { get; init; }

    /// <summary>How long a step may go without news before the messages without an outcome count as unknown, and the next step begins.</summary>
    public TimeSpan StepWait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The share of failures in a step at which the replay pauses: more than 0, at most 1. Fewer than three failures do not count, unless all failed.</summary>
    public double FailureLimit { get; init; } = 0.2;

    /// <summary>
    /// The ids of the causes that the selected messages have, as a dry run finds them (<see cref="OperationResult.Causes"/>). A failure with another cause
    /// pauses the replay. Null: the causes of the messages that were read so far.
    /// </summary>
    public IReadOnlyCollection<string>? Causes { get; init; }

    /// <summary>
    /// Called when the replay has paused; it goes on as the answer says. Null: the replay ends at its first pause. The token is cancelled when an answer no
    /// longer counts. During a pause no message is held, and the queue stays locked.
    /// </summary>
    public Func<ReplayPause, CancellationToken, Task<PauseAnswer>>? OnPause { get; init; }

    /// <summary>
    /// Called before each message, and while the replay waits; the user who has asked for a pause, or null. The replay then pauses, also one that moves
    /// <see cref="AllAtOnce"/>, and calls <see cref="OnPause"/>, after which this must be null again. Null: nobody can pause it.
    /// </summary>
    public Func<string?>? PauseRequest { get; init; }

    /// <summary>How long a pause may last; then the replay ends.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long to wait for outcomes after the last message; zero: not at all, and so not between steps either.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether the result has <see cref="OperationResult.Later"/>, which follows what the application reports after the end.</summary>
    public bool FollowsLater { get; init; }

    /// <summary>How long to wait for outcomes after a cancel, if <see cref="Wait"/> is longer.</summary>
    public TimeSpan WaitAfterCancel { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The field with the key of the order; null: no order. Of the dead letters with the same key, the next one is moved only after the one before was handled. One that
    /// fails again, is skipped or refused, or has no known outcome after <see cref="Wait"/> holds back the later ones of its key. The application must report outcomes:
    /// otherwise the replay ends after its first message.
    /// </summary>
    public OrderField? InOrderBy { get; init; }

    /// <summary>Whether to include messages with an unknown outcome.</summary>
    public bool SendAgain { get; init; }

    /// <summary>The queue to replay to; null: the queue that each message failed in.</summary>
    public string? To { get; init; }

    /// <summary>Whether to remove the response address from requests.</summary>
    public bool WithoutResponse { get; init; }

    /// <summary>
    /// Whether to move also messages of AMQP 1.0 clients that RabbitMQ 4 does not give to AMQP 0-9-1 completely, such as their <c>subject</c> and <c>to</c>. Otherwise
    /// those that can be recognized are refused.
    /// </summary>
    public bool AcceptLoss { get; init; }

    /// <summary>The edited <c>message</c>, as JSON; only if the filter selects exactly one message.</summary>
    public string? Edited { get; init; }

    /// <summary>
    /// The repair: a patch of the <c>message</c> of each selected dead letter; null: none. A dead letter that the patch does not apply to, or does not
    /// change, is refused. The audit log keeps the original messages. It can't be undone once a consumer has the message.
    /// </summary>
    public MessagePatch? Patch { get; init; }
}
