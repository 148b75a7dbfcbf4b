using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>What a replay left on a message. MassTransit's copies leave AMQP headers behind; this one has to stay.</summary>
public static class ReplayStamp
{
    private const string Prefix = "Replay-";

    /// <summary>Puts it on the copy of a message.</summary>
    /// <param name="context">The message in hand.</param>
    /// <param name="headers">The headers of the copy.</param>
    public static void Keep(ConsumeContext context, SendHeaders headers)
    {
        foreach (var header in context.ReceiveContext.TransportHeaders.GetAll().Where(header => header.Key.StartsWith(Prefix, StringComparison.Ordinal)))
            headers.Set(header.Key, header.Value, overwrite: true);
    }
}
