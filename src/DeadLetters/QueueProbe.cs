using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// What is known of a queue without the management API. A queue is declared again with other arguments, which the broker refuses and says what they
/// are: so its type and its delivery limit can be read. That takes the right to configure the queue. Policies can't be seen.
/// </summary>
internal static partial class QueueProbe
{
    private const int MostArguments = 16;

    // RabbitMQ 3.x: the second look of a message is the last one that is safe whatever the limit is. From 4.0 on each has one, and from 4.3 on looks do not count.
    private const int LeastLimit = 2;

    /// <summary>Reads type and arguments. Where that is not allowed, it is taken for the kind that needs the most care: a quorum queue that counts looks.</summary>
    public static async Task<BrokerQueue> DescribeAsync(IConnection connection, string queue, Version broker, CancellationToken cancellationToken)
    {
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        for (var tries = 0; tries < MostArguments; tries++)
        {
            var (refused, text) = await DeclareAsync(connection, queue, arguments, cancellationToken);
            if (refused is null)
                return New(queue, arguments);
            if (refused != Constants.PreconditionFailed || Inequivalent().Match(text) is not { Success: true } difference)
                break;
            var name = difference.Groups["name"].Value;
            if (!name.StartsWith("x-", StringComparison.Ordinal) || name == "x-queue-type")
                return New(queue, new Dictionary<string, object?> { ["x-queue-type"] = "classic" }); // as no quorum queue can be
            arguments[name] = difference.Groups["type"].Value == "longstr" || !long.TryParse(difference.Groups["value"].Value, CultureInfo.InvariantCulture, out var number)
                ? difference.Groups["value"].Value
                : number;
        }
        return broker.Major < 4
            ? New(queue, new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = LeastLimit }) with { IsAssumed = true }
            : New(queue, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
    }

    private static async Task<(int? Refused, string Text)> DeclareAsync(IConnection connection, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await channel.QueueDeclarePassiveAsync(queue, cancellationToken); // else it would be made
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
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
