namespace WorkinIt.DeadLetters;

/// <summary>A rule of the doctor: recognizes one thing in a virtual host that will cause harm. It gets what was read, and asks nothing itself.</summary>
internal abstract class DoctorRule
{
    /// <summary>Its name in JSON and in docs/doctor.md. It does not change between versions.</summary>
    public abstract string Id { get; }

    /// <summary>What it recognizes, for the table in docs/doctor.md.</summary>
    public abstract string Title { get; }

    /// <summary>The versions of RabbitMQ on which the behavior was seen by running it.</summary>
    public abstract string Seen { get; }

    /// <summary>What was found.</summary>
    /// <param name="host">The virtual host.</param>
    public abstract IEnumerable<Finding> Check(VirtualHostSnapshot host);

    /// <summary>Why this could not be checked completely, and what to do; null if it was.</summary>
    /// <param name="host">The virtual host.</param>
    public virtual string? NotChecked(VirtualHostSnapshot host) => null;

    /// <summary>How to change what a declaration sets: the broker refuses every declaration that differs.</summary>
    protected const string DeclareAgain =
        "The broker refuses to declare an existing queue with other arguments (406 PRECONDITION_FAILED), so an application that does it can’t start: stop it, move the messages to another queue with a shovel, delete the queue, and let the new version of the application declare it";

    /// <summary>How to set something for an existing queue. Only one policy applies to a queue, so another one would replace the settings of the first.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="setting">The setting with its value, such as <c>overflow reject-publish</c>.</param>
    protected static string ByPolicy(BrokerQueue queue, string setting) =>
        queue.PolicyName is { Length: > 0 } policy ? $"Add {setting} to the policy {policy}, which applies to it already" : $"Set {setting} with a policy";

    /// <summary>A finding about a queue.</summary>
    protected Finding Of(BrokerQueue queue, FindingSeverity severity, string what, string why, string remedy) => new(Id, severity, queue.Name, what, why, remedy, Seen);

    /// <summary>A finding about the virtual host or the broker.</summary>
    protected Finding Of(FindingSeverity severity, string what, string why, string remedy) => new(Id, severity, null, what, why, remedy, Seen);
}
