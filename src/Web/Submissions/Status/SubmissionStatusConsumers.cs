using System.Globalization;
using MassTransit;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

/// <summary>Updates the state of submissions from the events on <c>submission-status</c>.</summary>
internal sealed class SubmissionStatusConsumer(SubmissionStore store) :
    IConsumer<GifEmailSent>, IConsumer<GifEmailDelayed>, IConsumer<GifEmailBlocked>, IConsumer<GifEmailDiscarded>, IConsumer<GifEmailRestored>,
    IConsumer<Fault<SendGifEmail>>
{
    public Task Consume(ConsumeContext<GifEmailSent> context)
    {
        var sent = context.Message;
        return store.AdvanceAsync(sent.SubmissionId, SubmissionState.Sent, sent.Attempt, context.CancellationToken, sentAt: sent.ConfirmedByOperator ? null : sent.SentAt, gif: sent.Gif);
    }

    public Task Consume(ConsumeContext<GifEmailDelayed> context)
    {
        var delayed = context.Message;
        return store.AdvanceAsync(delayed.SubmissionId, SubmissionState.Delayed, delayed.Attempt, context.CancellationToken, nextTryAt: delayed.NextTryAt);
    }

    public Task Consume(ConsumeContext<GifEmailBlocked> context)
    {
        var blocked = context.Message;
        return store.AdvanceAsync(blocked.SubmissionId, SubmissionState.Failed, blocked.Attempt, context.CancellationToken, blockedAt: blocked.BlockedAt);
    }

    public Task Consume(ConsumeContext<GifEmailDiscarded> context) =>
        store.DiscardedAsync(context.Message.SubmissionId, context.Message.DiscardedAt, context.CancellationToken);

    public Task Consume(ConsumeContext<GifEmailRestored> context) =>
        store.RestoredAsync(context.Message.SubmissionId, context.Message.RestoredAt, context.CancellationToken);

    public Task Consume(ConsumeContext<Fault<SendGifEmail>> context)
    {
        var id = context.Message.Message.SubmissionId;
        var data = context.Message.Exceptions.FirstOrDefault()?.Data;
        var state = data?.ContainsKey(FaultData.Held) == true ? SubmissionState.Held : SubmissionState.Failed;
        return data?.TryGetValue(FaultData.Attempt, out var number) == true
            && int.TryParse(Convert.ToString(number, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out var attempt)
                ? store.AdvanceAsync(id, state, attempt, context.CancellationToken)
                : store.FailedAsync(id, context.CancellationToken);
    }
}

/// <summary>
/// Handles commands that the broker itself has dead-lettered. They arrive as the original command, because no consumer survived to publish
/// a fault.
/// </summary>
internal sealed class DeadSubmissionConsumer(SubmissionStore store) : IConsumer<SendGifEmail>
{
    public async Task Consume(ConsumeContext<SendGifEmail> context)
    {
        await store.FailedAsync(context.Message.SubmissionId, context.CancellationToken);
        SubmissionTelemetry.DeadLettered();
    }
}

/// <summary>Adds the submission's id to the log lines about an event, whose own message id is a different one.</summary>
internal sealed class SubmissionEventFilter(ILogger<SubmissionEventFilter> log) : IFilter<ConsumeContext>
{
    public async Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        using var scope = IdOf(context) is { } id ? log.BeginSubmissionScope(id) : null;
        await next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("submissionScope");

    private static Guid? IdOf(ConsumeContext context) =>
        context.TryGetMessage(out ConsumeContext<GifEmailSent>? sent) ? sent.Message.SubmissionId
        : context.TryGetMessage(out ConsumeContext<GifEmailDelayed>? delayed) ? delayed.Message.SubmissionId
        : context.TryGetMessage(out ConsumeContext<GifEmailBlocked>? blocked) ? blocked.Message.SubmissionId
        : context.TryGetMessage(out ConsumeContext<GifEmailDiscarded>? discarded) ? discarded.Message.SubmissionId
        : context.TryGetMessage(out ConsumeContext<GifEmailRestored>? restored) ? restored.Message.SubmissionId
        : context.TryGetMessage(out ConsumeContext<Fault<SendGifEmail>>? fault) ? fault.Message.Message.SubmissionId
        : context.TryGetMessage(out ConsumeContext<SendGifEmail>? dead) ? dead.Message.SubmissionId
        : null;
}
