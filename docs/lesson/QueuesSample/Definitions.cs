using MassTransit;

namespace QueuesSample;

internal sealed class ResetPasswordDefinition : ConsumerDefinition<ResetPasswordConsumer>
{
    public ResetPasswordDefinition() => EndpointName = "lesson-passwords";
}

internal sealed class SendNewsletterDefinition : ConsumerDefinition<SendNewsletterConsumer>
{
    public SendNewsletterDefinition()
    {
        EndpointName = "lesson-newsletters";
        ConcurrentMessageLimit = 1;
    }
}

internal sealed class PrintLabelDefinition : ConsumerDefinition<PrintLabelConsumer>
{
    public const byte Express = 2;

    public PrintLabelDefinition()
    {
        EndpointName = "lesson-labels";
        ConcurrentMessageLimit = 1;
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<PrintLabelConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.PrefetchCount = 1; // what has been fetched can't be overtaken any more
        endpointConfigurator.UseMessageRetry(retry => retry.Interval(2, TimeSpan.FromMilliseconds(100)));
        if (endpointConfigurator is IRabbitMqReceiveEndpointConfigurator rabbit)
            rabbit.EnablePriority(Express);
    }
}
