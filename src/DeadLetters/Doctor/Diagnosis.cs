namespace WorkinIt.DeadLetters;

/// <summary>What a check of a virtual host has found.</summary>
/// <param name="Broker">The broker's version, such as 4.3.6.</param>
/// <param name="Findings">The findings: possible losses first.</param>
/// <param name="Unchecked">What could not be checked.</param>
public sealed record Diagnosis(string Broker, IReadOnlyList<Finding> Findings, IReadOnlyList<UncheckedRule> Unchecked);

/// <summary>Something in a virtual host that will cause harm.</summary>
/// <param name="Rule">The id of the rule, such as <c>drop-head</c>. It does not change between versions.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Queue">The queue; null if it is about the virtual host or the broker.</param>
/// <param name="What">What there is: one sentence.</param>
/// <param name="Why">What it does to messages.</param>
/// <param name="Remedy">What to do.</param>
/// <param name="Seen">The versions of RabbitMQ on which this behavior was seen by running it.</param>
public sealed record Finding(string Rule, FindingSeverity Severity, string? Queue, string What, string Why, string Remedy, string Seen);

/// <summary>A rule that could not be checked completely.</summary>
/// <param name="Rule">The id of the rule.</param>
/// <param name="Why">Why not, and what to do.</param>
public sealed record UncheckedRule(string Rule, string Why);

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    /// <summary>Messages can be lost.</summary>
    Loss,

    /// <summary>Something will fail, stop or run twice; no message is lost by it.</summary>
    Warning,

    /// <summary>Better otherwise; nothing fails now.</summary>
    Advice,
}
