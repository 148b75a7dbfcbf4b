using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>The answer of the management API's check of alarms.</summary>
internal sealed record BrokerAlarmCheck([property: JsonPropertyName("alarms")] IReadOnlyList<BrokerAlarm>? Alarms);

/// <summary>An alarm on one node, which stops the cluster from accepting messages.</summary>
/// <param name="Resource">memory, disk (on RabbitMQ 3.10: disk space) or file descriptors.</param>
internal sealed record BrokerAlarm([property: JsonPropertyName("resource")] string Resource);
