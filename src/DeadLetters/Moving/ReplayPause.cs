namespace WorkinIt.DeadLetters;

/// <summary>Why a replay has paused.</summary>
public enum PauseReason
{
    /// <summary>Too many messages of a step failed again.</summary>
    Failures,

    /// <summary>A message failed with a cause that none of the selected messages had.</summary>
    NewCause,

    /// <summary>RabbitMQ accepts no messages, because of an alarm for memory or disk.</summary>
    Blocked,

    /// <summary>The messages of a step stay in their queue: it has no consumer, or none was seen leaving it.</summary>
    NoConsumer,

    /// <summary>A user has asked for the pause.</summary>
    Requested,
}

/// <summary>A pause of a replay. It holds no message meanwhile: what was not moved is in its queue, in its order.</summary>
/// <param name="Reason">Why it has paused.</param>
/// <param name="Text">The reason for an operator, with numbers and names; without a full stop.</param>
/// <param name="SlowerPace">A pace for going on more slowly, in messages per second: half of the present one.</param>
public sealed record ReplayPause(PauseReason Reason, string Text, double SlowerPace)
{
    /// <summary>What to do before the replay goes on.</summary>
    public string Advice => Reason switch
    {
        PauseReason.Failures or PauseReason.NewCause => "Fix the cause, then resume",
        PauseReason.Blocked => "Free memory or disk space on the broker, then resume",
        PauseReason.Requested => "Resume",
        _ => "Start or repair the consumer, then resume",
    };

    /// <summary>What to do after the replay has ended at this pause.</summary>
    internal string AdviceAtEnd => Reason == PauseReason.Requested ? "Replay again: it continues with the rest" : $"{Advice.Split(',')[0]}, then replay again: it continues with the rest";
}

/// <summary>The answer to a pause.</summary>
/// <param name="Resumes">Whether the replay goes on; it begins again with a small step. Otherwise it ends, and what was not moved stays.</param>
/// <param name="Pace">The pace from now on, in messages per second; null: unchanged.</param>
public sealed record PauseAnswer(bool Resumes, double? Pace = null)
{
    /// <summary>Go on.</summary>
    public static PauseAnswer Resume { get; } = new(true);

    /// <summary>End the replay.</summary>
    public static PauseAnswer Stop { get; } = new(false);
}
