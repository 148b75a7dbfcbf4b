namespace WorkinIt.DeadLetters;

/// <summary>
/// An operation failed. Messages that were not confirmed are where they were, and may be in their target queue too: see
/// <see cref="AuditEntry.Doubts"/>. The exception's message is written for an operator.
/// </summary>
/// <param name="problem">The kind of problem.</param>
/// <param name="message">What happened, and what to do.</param>
/// <param name="cause">The inner exception.</param>
public sealed class DeadLetterException(DeadLetterProblem problem, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The kind of problem.</summary>
    public DeadLetterProblem Problem { get; } = problem;
}

/// <summary>The kinds of problems.</summary>
public enum DeadLetterProblem
{
    /// <summary>The broker or its management API does not answer, or refuses the login.</summary>
    Unreachable,

    /// <summary>The RabbitMQ user lacks a permission.</summary>
    Forbidden,

    /// <summary>The queue does not exist.</summary>
    NoSuchQueue,

    /// <summary>Another operation is running on the queue.</summary>
    Locked,

    /// <summary>RabbitMQ accepts no messages, because of an alarm for memory or disk.</summary>
    Blocked,

    /// <summary>The operation is not safe, or makes no sense.</summary>
    Refused,

    /// <summary>The audit log can't be written or read.</summary>
    Audit,
}
