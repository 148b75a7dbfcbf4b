using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// What happens to a message that fails, on the input queue and on the suspect queue alike. From the outside in: left to others
/// when the process stops; kept waiting while the ledger can't say whether it was sent; delayed when it outlasts the retries; moved when it is suspected to kill; retried in place while
/// seconds may help. What passes all that is dead-lettered by MassTransit.
/// </summary>
internal sealed class SendGifEmailConsumerDefinition(IOptions<RetryOptions> options) : ConsumerDefinition<SendGifEmailConsumer>
{
    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<SendGifEmailConsumer> consumerConfigurator, IRegistrationContext context)
    {
        var retry = options.Value;
        consumerConfigurator.ConsumerMessage<SendGifEmail>(message =>
        {
            message.UseFilter(context.GetRequiredService<StopFilter>());
            message.UseFilter(context.GetRequiredService<LedgerFilter>());
            message.UseFilter(context.GetRequiredService<RedeliveryFilter>());
            message.UseFilter(context.GetRequiredService<SuspectFilter>());
            if (retry.Limit == 0) // MassTransit's exponential policy has no answer to none
                return;
            message.UseRetry(tries =>
            {
                tries.Exponential(retry.Limit, retry.MinInterval, retry.MaxInterval, retry.IntervalDelta); // with ± 25 % of jitter
                tries.Handle<Exception>(Failure.IsHiccup);
                tries.ConnectRetryObserver(new RetryCount());
            });
        });
    }
}
