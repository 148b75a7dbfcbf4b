namespace WorkinIt.DeadLetters;

/// <summary>Who added a header or a property to a message.</summary>
public enum PartOrigin
{
    /// <summary>The sender's application.</summary>
    Sender,

    /// <summary>MassTransit, in the sender or in the application that failed.</summary>
    MassTransit,

    /// <summary>RabbitMQ, or one of its client libraries.</summary>
    RabbitMq,

    /// <summary>A shovel or a federation link of RabbitMQ, which brought the message from another queue or broker.</summary>
    Shovel,

    /// <summary>An operation of this library: a replay, a discard, or a move before it.</summary>
    Operation,
}

/// <summary>What a replay does with a header or a property; of a discarded message, what a restore does with it.</summary>
public enum ReplayEffect
{
    /// <summary>It stays as it is.</summary>
    Kept,

    /// <summary>It is removed, because it describes the try that failed.</summary>
    Removed,

    /// <summary>It gets a new value.</summary>
    Changed,

    /// <summary>Its value moves to a header of another name, because it would have an effect on the way.</summary>
    Renamed,
}

/// <summary>A header or a property of a dead letter, explained.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value as text, masked unless the letter is revealed.</param>
/// <param name="Origin">Who added it.</param>
/// <param name="Meaning">What it says, as one or two sentences; null if only the sender knows.</param>
/// <param name="Effect">What a replay does with it; of a discarded message, what a restore does.</param>
/// <param name="BecomesHeader">The name that it has afterwards; null unless it is renamed.</param>
public sealed record LetterPart(string Name, string Value, PartOrigin Origin, string? Meaning, ReplayEffect Effect, string? BecomesHeader = null)
{
    /// <summary>The operation that has the effect: <c>replay</c>, or <c>restore</c> of a discarded message.</summary>
    public string Operation { get; init; } = "replay";

    /// <summary>The effect, as text.</summary>
    public string EffectText => Effect switch
    {
        ReplayEffect.Removed => $"removed by a {Operation}",
        ReplayEffect.Changed => $"set again by a {Operation}",
        ReplayEffect.Renamed => $"a {Operation} renames it to {BecomesHeader}",
        _ => $"kept by a {Operation}",
    };

    /// <summary>Who added a part, as text.</summary>
    /// <param name="origin">Who added it.</param>
    public static string Word(PartOrigin origin) => origin switch
    {
        PartOrigin.MassTransit => "MassTransit",
        PartOrigin.RabbitMq => "RabbitMQ",
        PartOrigin.Shovel => "a shovel or federation",
        PartOrigin.Operation => "dead-letter operations",
        _ => "the sender",
    };
}
