namespace WorkinIt.Messaging;

/// <summary>The queues and exchanges that a service uses. The readiness check reports which of them are missing.</summary>
/// <param name="Queues">The queues.</param>
/// <param name="Exchanges">The exchanges.</param>
public sealed record UsedTopology(IReadOnlyList<string> Queues, IReadOnlyList<string> Exchanges);
