using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>The headers that a replay or an earlier move set on a message. MassTransit drops AMQP headers when it copies; these must be kept.</summary>
public static class KeptHeaders
{
    private const string Prefix = "Replay-";

    private static bool IsKept(string header) =>
        header.StartsWith(Prefix, StringComparison.Ordinal) || header.StartsWith(KeptProperties.Prefix, StringComparison.Ordinal);

    /// <summary>Sets them on the copy of a message.</summary>
    /// <param name="context">The message in flight.</param>
    /// <param name="headers">The headers of the copy.</param>
    public static void Keep(ConsumeContext context, SendHeaders headers)
    {
        foreach (var header in context.ReceiveContext.TransportHeaders.GetAll().Where(header => IsKept(header.Key)))
            headers.Set(header.Key, header.Value, overwrite: true);
    }
}
