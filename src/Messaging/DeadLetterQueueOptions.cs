using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Messaging;

/// <summary>The section <c>DeadLetterQueues</c>. Only the deployment uses it: the services declare no queues.</summary>
public sealed class DeadLetterQueueOptions
{
    /// <summary><c>DeadLetterQueues__Type</c>: classic, or quorum in a cluster. Can't be changed while the queues exist.</summary>
    [EnumDataType(typeof(DeadLetterQueueType))]
    public DeadLetterQueueType Type { get; set; } = DeadLetterQueueType.Classic;
}

/// <summary>The type of the dead-letter queues.</summary>
public enum DeadLetterQueueType
{
    /// <summary>On one node. Reading a message never counts toward a delivery limit.</summary>
    Classic,

    /// <summary>On three nodes of a cluster: survives the loss of one.</summary>
    Quorum,
}
