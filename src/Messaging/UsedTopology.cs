namespace WorkinIt.Messaging;

/// <summary>What a service consumes from and sends to; ready says what of it is missing.</summary>
/// <param name="Queues">The queues.</param>
/// <param name="Exchanges">The exchanges.</param>
public sealed record UsedTopology(IReadOnlyList<string> Queues, IReadOnlyList<string> Exchanges);
