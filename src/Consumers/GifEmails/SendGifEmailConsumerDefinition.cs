using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.Mail;
using WorkinIt.Gifs;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// The queue, and what happens to a message that fails: what may pass by itself is retried in place; what stays as it is goes
/// to <c>send-gif-email_error</c> at once; so does what was retried in vain.
/// </summary>
internal sealed class SendGifEmailConsumerDefinition : ConsumerDefinition<SendGifEmailConsumer>
{
    private readonly ConsumerOptions _consumer;
    private readonly RetryOptions _retry;

    public SendGifEmailConsumerDefinition(IOptions<ConsumerOptions> consumer, IOptions<RetryOptions> retry)
    {
        _consumer = consumer.Value;
        _retry = retry.Value;
        EndpointName = QueueTopology.SendGifEmail;
        ConcurrentMessageLimit = _consumer.ConcurrentMessageLimit;
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<SendGifEmailConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.PrefetchCount = _consumer.PrefetchCount;
        if (endpointConfigurator is IRabbitMqReceiveEndpointConfigurator rabbit) // the tests' in-memory transport is none
            QueueTopology.ConfigureInputQueue(rabbit);

        endpointConfigurator.UseMessageRetry(retry =>
        {
            retry.Exponential(_retry.Limit, _retry.MinInterval, _retry.MaxInterval, _retry.IntervalDelta); // with ± 25 % of jitter
            retry.Ignore<MailRefusedException>();
            retry.Ignore<MailOutcomeUnknownException>();
            retry.Ignore<GiphyKeyRefusedException>();
        });
    }
}
