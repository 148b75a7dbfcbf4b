using MassTransit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.Ledger;

/// <summary>Moves a message to the first delay queue while the ledger can't say whether its mail was sent. That doesn't count as a try.</summary>
internal sealed class LedgerFilter(LedgerGuard guard, RetryPolicy policy, TimeProvider time) : IFilter<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>>
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    public async Task Send(ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail> context, IPipe<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>> next)
    {
        if (await guard.KnowsAsync(context.Message.SubmissionId, context.Message.SubmittedAt, _timeout))
        {
            await next.Send(context);
            return;
        }
        await DelayQueues.SendAsync(context, policy.FirstDelay, counted: false);
        context.ReportReplayDelayed(time.GetUtcNow() + policy.FirstDelay);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("ledger");
}
