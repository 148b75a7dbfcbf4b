using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Deliveries;
using WorkinIt.Messaging;
using WorkinIt.Storage;

namespace WorkinIt.Consumers.GifEmails;

internal static class GifEmailRegistration
{
    // Each inner limit is below the outer one. Otherwise the outer limit cuts off what the inner one still waits for.
    private static readonly TimeSpan _mailInFlight = TimeSpan.FromSeconds(27); // Smtp__SendTimeout is 25 s at most
    private static readonly TimeSpan _bus = TimeSpan.FromSeconds(28);
    private static readonly TimeSpan _host = TimeSpan.FromSeconds(30);

    public static IServiceCollection AddGifEmails(this IServiceCollection services)
    {
        services.AddEndpointSettings();
        services.AddOptions<RetryOptions>().BindConfiguration("Retry").ValidateDataAnnotations().ValidateOnStart();
        services.AddGuardedLedger();
        services.AddGifMail();
        services.AddSingleton<GifEmailDelivery>();
        services.AddSingleton<OutcomePublisher>();
        services.AddSingleton<RetryPolicy>();
        services.AddSingleton<StopFilter>();
        services.AddSingleton<QuarantineFilter>();
        services.AddSingleton<RedeliveryFilter>();
        services.AddSingleton<FaultFilter<Contracts.SendGifEmail>>();
        services.AddSingleton<DeadLetterStep>();
        services.AddSingleton(provider => new DelaySteps([.. provider.GetRequiredService<IOptions<RedeliveryOptions>>().Value.Steps.Select(DelayQueues.Name)]));
        services.AddSingleton(provider => QueueTopology.UsedByConsumers(provider.GetRequiredService<DelaySteps>()));

        services.Configure<HostOptions>(host => host.ShutdownTimeout = _host);
        services.Configure<MassTransitHostOptions>(host =>
        {
            host.StopTimeout = _bus;
            host.ConsumerStopTimeout = _mailInFlight;
        });
        return services.AddRabbitMq();
    }

    /// <summary>Adds the queues that <see cref="SendGifEmailConsumer"/> reads: the input queue and the quarantine queue.</summary>
    /// <param name="rabbit">The bus.</param>
    /// <param name="context">Gives the consumer and the settings.</param>
    public static void ReceiveGifEmails(this IRabbitMqBusFactoryConfigurator rabbit, IBusRegistrationContext context) =>
        rabbit.AddGifEmailEndpoints(
            context.GetRequiredService<IOptions<ConsumerOptions>>().Value,
            endpoint =>
            {
                endpoint.UseSubmissionScope(context.GetRequiredService<ILogger<SendGifEmailConsumer>>());
                QueueTopology.ExpectDeployed(endpoint, context);
                context.GetRequiredService<DeadLetterStep>().Use(endpoint);
                endpoint.ConfigureConsumer<SendGifEmailConsumer>(context);
            });

    /// <summary>Adds the mail composer, its unsubscribe links, and the suppression list.</summary>
    public static IServiceCollection AddGifMail(this IServiceCollection services)
    {
        services.AddOptOuts();
        services.AddOptions<OptOutLinkOptions>().BindConfiguration("OptOut").ValidateDataAnnotations().ValidateOnStart();
        return services.AddSingleton<OptOutLinks>().AddSingleton<GifMail>();
    }

    /// <summary>Adds what <c>--deploy-topology</c> needs: the queues, without consumers.</summary>
    public static IServiceCollection AddTopologyDeployment(this IServiceCollection services)
    {
        services.AddEndpointSettings();
        services.AddSingleton<TopologyDeployment>();
        services.AddRabbitMq();
        return services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.ConfigureBus(context);
                rabbit.DeployTopologyOnly = true;
                rabbit.DeployPublishTopology = true;
                rabbit.AddGifEmailEndpoints(context.GetRequiredService<IOptions<ConsumerOptions>>().Value, BindInputQueue);
                rabbit.ReceiveEndpoint(QueueTopology.StatusQueue, QueueTopology.ConfigureStatusQueue);
            });
        });
    }

    private static void BindInputQueue(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        if (!endpoint.InputAddress.AbsolutePath.EndsWith(QueueTopology.QuarantineQueue, StringComparison.Ordinal))
            endpoint.Bind<Contracts.SendGifEmail>();
    }

    private static void AddEndpointSettings(this IServiceCollection services)
    {
        services.AddOptions<ConsumerOptions>().BindConfiguration("Consumer").ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<RedeliveryOptions>()
            .BindConfiguration("Redelivery", binder => binder.ErrorOnUnknownConfiguration = true) // otherwise a value that isn't a time is dropped from the list silently
            .ValidateDataAnnotations().ValidateOnStart();
    }

    private static void AddGifEmailEndpoints(
        this IRabbitMqBusFactoryConfigurator rabbit, ConsumerOptions options, Action<IRabbitMqReceiveEndpointConfigurator> configure)
    {
        rabbit.ReceiveEndpoint(QueueTopology.InputQueue, endpoint =>
        {
            QueueTopology.ConfigureInputQueue(endpoint);
            endpoint.PrefetchCount = options.PrefetchCount;
            endpoint.ConcurrentMessageLimit = options.ConcurrentMessageLimit;
            configure(endpoint);
        });
        rabbit.ReceiveEndpoint(QueueTopology.QuarantineQueue, endpoint =>
        {
            QueueTopology.ConfigureSuspectQueue(endpoint);
            endpoint.PrefetchCount = 1; // alone: if the process dies, this message is the only suspect
            endpoint.ConcurrentMessageLimit = 1;
            configure(endpoint);
        });
    }
}
