using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>What a replay, or an earlier move, left on a message. MassTransit's copies leave AMQP headers behind; this one has to stay.</summary>
public static class KeptHeaders
{
    private const string Prefix = "Replay-";

    private static bool IsKept(string header) =>
        header.StartsWith(Prefix, StringComparison.Ordinal) || header.StartsWith(KeptProperties.Prefix, StringComparison.Ordinal);

    /// <summary>Puts it on the copy of a message.</summary>
    /// <param name="context">The message in hand.</param>
    /// <param name="headers">The headers of the copy.</param>
    public static void Keep(ConsumeContext context, SendHeaders headers)
    {
        foreach (var header in context.ReceiveContext.TransportHeaders.GetAll().Where(header => IsKept(header.Key)))
            headers.Set(header.Key, header.Value, overwrite: true);
    }
}
