namespace WorkinIt.DeadLetters;

/// <summary>Why something could not be done, in words for an operator. Nothing was lost.</summary>
/// <param name="problem">Which kind.</param>
/// <param name="message">What happened and what to do.</param>
/// <param name="cause">What lies beneath.</param>
public sealed class DeadLetterException(DeadLetterProblem problem, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Which kind of problem it is.</summary>
    public DeadLetterProblem Problem { get; } = problem;
}

/// <summary>The kinds of problems.</summary>
public enum DeadLetterProblem
{
    /// <summary>The broker or its management API does not answer, or refuses the login.</summary>
    OutOfReach,

    /// <summary>The user lacks a right.</summary>
    Forbidden,

    /// <summary>There is no such queue.</summary>
    NoSuchQueue,

    /// <summary>Somebody else is at work on the queue.</summary>
    Locked,

    /// <summary>RabbitMQ takes no messages now: an alarm for memory or disk.</summary>
    Blocked,

    /// <summary>It can't be done safely, or makes no sense.</summary>
    Refused,

    /// <summary>The audit log can't be written or read.</summary>
    Audit,
}
