using System.Text;
using MassTransit;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>The headers that a replay sets on a message.</summary>
internal static class Stamp
{
    public const string Prefix = "Replay-";

    private const string Id = Prefix + "Id";
    private const int LongestRoutingKey = 255;

    /// <summary>Whether a message was replayed. For a message that was not, this is one look into a dictionary, without an allocation.</summary>
    /// <param name="context">The message.</param>
    public static bool IsOn(ReceiveContext context) =>
        context.TryGetPayload<RabbitMqBasicConsumeContext>(out var message)
            ? message.Properties.Headers is { } headers && headers.ContainsKey(Id)
            : context.TransportHeaders.TryGetHeader(Id, out _);

    /// <summary>The id of the replayed message; null if it can't be the routing key of a report.</summary>
    /// <param name="context">The message.</param>
    public static string? IdOf(ReceiveContext context) =>
        context.TransportHeaders.TryGetHeader(Id, out var value) && value is string { Length: > 0 } id && Encoding.UTF8.GetByteCount(id) <= LongestRoutingKey ? id : null;

    /// <summary>All headers of the stamp.</summary>
    /// <param name="context">The message.</param>
    public static KeyValuePair<string, object>[] Of(ReceiveContext context) =>
        [.. context.TransportHeaders.GetAll().Where(header => IsStamp(header.Key))];

    /// <summary>Sets the stamp on the copy of a message. With RabbitMQ, only the AMQP headers get it: those of the envelope would outlive the next replay.</summary>
    /// <param name="context">The copy.</param>
    /// <param name="stamp">The stamp.</param>
    public static void Set(SendContext context, IEnumerable<KeyValuePair<string, object>> stamp)
    {
        Remove(context);
        var amqp = context.TryGetPayload<RabbitMqSendContext>(out var rabbit) ? rabbit.BasicProperties.Headers ??= new Dictionary<string, object?>() : null;
        foreach (var (name, value) in stamp)
        {
            if (amqp is null)
                context.Headers.Set(name, value, overwrite: true);
            else
                amqp[name] = value;
        }
    }

    /// <summary>Removes a stamp that MassTransit or the application copied to another message.</summary>
    /// <param name="context">The other message.</param>
    public static void Remove(SendContext context)
    {
        foreach (var header in context.Headers.GetAll().Select(header => header.Key).Where(IsStamp).ToArray())
            context.Headers.Set(header, (object?)null, overwrite: true);
    }

    private static bool IsStamp(string header) => header.StartsWith(Prefix, StringComparison.Ordinal);
}
