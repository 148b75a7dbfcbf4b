using System.Data.Common;
using System.Globalization;
using MassTransit;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Finds a message that crashes the process which handles it. When a process dies, every prefetched message comes back with a
/// higher delivery count, not only the ones in flight. So from the first return on, the ledger records which messages were really in flight.
/// A message that was in flight at two crashes by that record is moved to the quarantine queue, where its crashes affect no other message.
/// An orderly stop leaves no record, however often it returns a message.
/// </summary>
internal sealed partial class QuarantineFilter(DeliveryLedger ledger, ILogger<QuarantineFilter> log)
    : IFilter<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>>
{
    private const int Deaths = 2; // one may be a coincidence: something else killed the process

    private static readonly TimeSpan _noteDeadline = TimeSpan.FromSeconds(5);

    public async Task Send(ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail> context, IPipe<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>> next)
    {
        var returns = Returns(context);
        if (returns == 0)
        {
            await next.Send(context);
            return;
        }

        var id = context.Message.SubmissionId;
        var alone = context.ReceiveContext.InputAddress.AbsolutePath.EndsWith(QueueTopology.QuarantineQueue, StringComparison.Ordinal);
        if (returns > Deaths && !alone && ledger.Find(id) is { InFlight: >= Deaths })
        {
            LogSuspect(log, id, returns);
            await MessageMove.SendAsync(context, QueueTopology.QuarantineQueue);
            context.ReportReplayMoved();
            return;
        }

        if (alone && returns >= QueueTopology.SuspectDeliveryLimit)
            throw new PoisonException(returns, ledger.Find(id)?.Attempt);

        await NoteAsync(id);
        try
        {
            await next.Send(context);
        }
        finally
        {
            await ClearNoteAsync(id);
        }
    }

    private async Task NoteAsync(Guid id)
    {
        using var deadline = new CancellationTokenSource(_noteDeadline);
        try
        {
            await ledger.MarkInFlightAsync(id, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new TimeoutException($"The ledger did not answer within {_noteDeadline.TotalSeconds:0} s: check ConnectionStrings__Deliveries and the database"); // transient, unlike a cancellation
        }
    }

    private async Task ClearNoteAsync(Guid id)
    {
        try
        {
            using var deadline = new CancellationTokenSource(_noteDeadline);
            await ledger.ClearInFlightAsync(id, deadline.Token);
        }
        catch (Exception e) when (e is DbException or OperationCanceledException)
        {
            // At worst, if the message comes back, it is handled alone once.
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("suspects");

    private static long Returns(ConsumeContext context) =>
        context.ReceiveContext.TransportHeaders.TryGetHeader("x-delivery-count", out var count) ? Convert.ToInt64(count, CultureInfo.InvariantCulture) : 0;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{SubmissionId} was in flight when a process died and has come back {Returns} times; moved to send-gif-email_suspect")]
    private static partial void LogSuspect(ILogger log, Guid submissionId, long returns);
}
