using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Describes a queue without the management API. The queue is declared again with different arguments. The broker refuses that and reports the actual
/// ones, which gives the queue's type and delivery limit. This requires the permission to configure the queue. Policies can't be read.
/// </summary>
internal static partial class QueueProbe
{
    private const int MostArguments = 16;

    // RabbitMQ 3.x: the second read of a message is the last one that is safe whatever the limit is. From 4.0 on each queue has a limit, and from 4.3 on reads do not count.
    private const int LeastLimit = 2;

    /// <summary>Reads type and arguments. If that is not allowed, assumes the kind that needs the most care: a quorum queue that counts reads.</summary>
    public static async Task<BrokerQueue> DescribeAsync(IConnection connection, string queue, Version broker, CancellationToken cancellationToken)
    {
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        var durable = true;
        for (var tries = 0; tries < MostArguments; tries++)
        {
            var (refused, text) = await DeclareAsync(connection, queue, durable, arguments, cancellationToken);
            if (refused is null)
                return New(queue, arguments);
            if (refused != Constants.PreconditionFailed || Inequivalent().Match(text) is not { Success: true } difference)
                break;
            var name = difference.Groups["name"].Value;
            if (name == "durable" && durable)
            {
                (durable, arguments["x-queue-type"]) = (false, "classic"); // asks on: whether it is auto-delete is reported after this
                continue;
            }
            if (!name.StartsWith("x-", StringComparison.Ordinal) || name == "x-queue-type")
                return New(queue, new Dictionary<string, object?> { ["x-queue-type"] = "classic" }) with { AutoDelete = name == "auto_delete" }; // a quorum queue can't differ in this
            arguments[name] = difference.Groups["type"].Value == "longstr" || !long.TryParse(difference.Groups["value"].Value, CultureInfo.InvariantCulture, out var number)
                ? difference.Groups["value"].Value
                : number;
        }
        return broker.Major < 4
            ? New(queue, new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = LeastLimit }) with { IsAssumed = true }
            : New(queue, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
    }

    private static async Task<(int? Refused, string Text)> DeclareAsync(IConnection connection, string queue, bool durable, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await channel.QueueDeclarePassiveAsync(queue, cancellationToken); // otherwise the next call would create it
            await channel.QueueDeclareAsync(queue, durable, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
            return (null, "");
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason && connection.IsOpen)
        {
            return (reason.ReplyCode, reason.ReplyText);
        }
    }

    private static BrokerQueue New(string name, Dictionary<string, object?> arguments) =>
        JsonSerializer.SerializeToElement(new { name, type = arguments["x-queue-type"], arguments }).Deserialize<BrokerQueue>()!;

    [GeneratedRegex(@"inequivalent arg '(?<name>[^']+)' for queue .* but current is (?:the value )?'(?<value>.*)'(?: of type '(?<type>\w+)')?$|inequivalent arg '(?<name>[^']+)' for queue .* but current is none")]
    private static partial Regex Inequivalent();
}
