namespace WorkinIt.DeadLetters;

/// <summary>RabbitMQ's three permissions in a virtual host. Each is a regular expression of the names of queues and exchanges.</summary>
internal enum BrokerPermission
{
    /// <summary>Declare and delete.</summary>
    Configure,

    /// <summary>Publish to an exchange, and bind a queue.</summary>
    Write,

    /// <summary>Consume from a queue, and bind to an exchange.</summary>
    Read,
}

/// <summary>A permission that the RabbitMQ user of the console needs.</summary>
/// <param name="Permission">Which one.</param>
/// <param name="Pattern">On what: a regular expression without anchors.</param>
/// <param name="Why">What it is for.</param>
internal sealed record NeededRight(BrokerPermission Permission, string Pattern, string Why);
