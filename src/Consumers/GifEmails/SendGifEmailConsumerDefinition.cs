using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// The pipeline for a message, on the input queue and on the quarantine queue alike, from the outside in: leave it to other processes when
/// this one stops; delay it while the ledger can't say whether its mail was sent; delay it when its failure outlasts the retries; move it to
/// the quarantine queue when it may crash its process; retry it in place while seconds may help. MassTransit dead-letters what fails all that.
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
            message.UseFilter(context.GetRequiredService<QuarantineFilter>());
            if (retry.Limit == 0) // MassTransit's exponential policy does not support zero retries
                return;
            message.UseRetry(tries =>
            {
                tries.Exponential(retry.Limit, retry.MinInterval, retry.MaxInterval, retry.IntervalDelta); // with ± 25 % of jitter
                tries.Handle<Exception>(RetryPolicy.IsWorthARetryInPlace);
                tries.ConnectRetryObserver(new RetryCount());
            });
        });
    }
}
