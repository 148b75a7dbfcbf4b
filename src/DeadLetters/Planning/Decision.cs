using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>The decision about one message.</summary>
internal abstract record Decision
{
    public sealed record Leave : Decision;

    public sealed record Refuse(string Why) : Decision;

    public sealed record Remove : Decision;

    public sealed record Move(string Exchange, string RoutingKey, BasicProperties Properties, ReadOnlyMemory<byte> Body, Replayed? Replayed) : Decision;

    public static Decision Left { get; } = new Leave();
}
