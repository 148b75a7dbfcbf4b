using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Messaging;

/// <summary>The section <c>DeadLetterQueues</c>, for the deployment: the services declare no queue.</summary>
public sealed class DeadLetterQueueOptions
{
    /// <summary><c>DeadLetterQueues__Type</c>: classic, or quorum in a cluster. Can't be changed while the queues stand.</summary>
    [EnumDataType(typeof(DeadLetterQueueType))]
    public DeadLetterQueueType Type { get; set; } = DeadLetterQueueType.Classic;
}

/// <summary>What kind of queue keeps the dead letters.</summary>
public enum DeadLetterQueueType
{
    /// <summary>On one node; looking never counts.</summary>
    Classic,

    /// <summary>On three nodes of a cluster: it outlives the loss of one.</summary>
    Quorum,
}
