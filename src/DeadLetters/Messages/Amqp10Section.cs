namespace WorkinIt.DeadLetters;

/// <summary>A section of an AMQP 1.0 message (OASIS AMQP 1.0, part 3: messaging).</summary>
/// <param name="Code">The number of its descriptor.</param>
/// <param name="Name">Its name.</param>
/// <param name="Fields">The names of its fields; empty if it is not a list of fields.</param>
internal sealed record Amqp10Section(int Code, string Name, IReadOnlyList<string> Fields)
{
    private static readonly Amqp10Section[] _all =
    [
        new(0x70, "header", ["durable", "priority", "ttl", "first-acquirer", "delivery-count"]),
        new(0x71, "delivery-annotations", []),
        new(0x72, "message-annotations", []),
        new(0x73, "properties",
        [
            "message-id", "user-id", "to", "subject", "reply-to", "correlation-id", "content-type", "content-encoding", "absolute-expiry-time", "creation-time",
            "group-id", "group-sequence", "reply-to-group-id",
        ]),
        new(0x74, "application-properties", []),
        new(0x75, "data", []),
        new(0x76, "amqp-sequence", []),
        new(0x77, "amqp-value", []),
        new(0x78, "footer", []),
    ];

    /// <summary>Whether it is a part of a body.</summary>
    public bool IsOfBody => Code is >= 0x75 and <= 0x77;

    /// <summary>Whether it is bytes of any meaning.</summary>
    public bool IsData => Code == 0x75;

    /// <summary>Finds a section by its descriptor; null if there is none.</summary>
    /// <param name="descriptor">Its number or its symbol, as text.</param>
    public static Amqp10Section? Of(string descriptor) => Array.Find(_all, section => descriptor == $"{section.Code}" || descriptor == $"amqp:{section.Name}:{section.Kind}");

    /// <summary>Whether a section has this name.</summary>
    /// <param name="name">The name.</param>
    public static bool IsName(string name) => Array.Exists(_all, section => section.Name == name);

    private string Kind => Code switch
    {
        0x70 or 0x73 => "list",
        0x75 => "binary",
        0x76 => "list",
        0x77 => "*",
        _ => "map",
    };
}
