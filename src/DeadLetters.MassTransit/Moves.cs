using MassTransit;
using MassTransit.Transports;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>Notes that a message was moved to the dead-letter queue, after the broker has confirmed that.</summary>
internal sealed class ReportedErrors(IErrorTransport moves, ReplayedDelivery delivery) : IErrorTransport
{
    private const int LongestReason = 300;

    public async Task Send(ExceptionReceiveContext context)
    {
        await moves.Send(context);
        // The same texts as those on the dead letter.
        delivery.Failed(Text(context, MessageHeaders.FaultConsumerType), Text(context, MessageHeaders.FaultExceptionType), Cut(Text(context, MessageHeaders.FaultMessage)));
    }

    public static string? Cut(string? reason) => reason is { Length: > LongestReason } ? reason[..(LongestReason - 1)] + "…" : reason;

    private static string? Text(ExceptionReceiveContext context, string header) => context.ExceptionHeaders.TryGetHeader(header, out var value) ? value as string : null;
}

/// <summary>Notes that a message was moved to the queue of skipped messages, after the broker has confirmed that.</summary>
internal sealed class ReportedSkips(IDeadLetterTransport moves, ReplayedDelivery delivery) : IDeadLetterTransport
{
    public async Task Send(ReceiveContext context, string reason)
    {
        await moves.Send(context, reason);
        delivery.Skipped();
    }
}
