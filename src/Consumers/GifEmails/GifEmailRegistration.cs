using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

internal static class GifEmailRegistration
{
    // Each inner limit is below the outer one: else the outer cuts off what the inner still waits for.
    private static readonly TimeSpan _mailInHand = TimeSpan.FromSeconds(27); // Smtp__SendTimeout is 25 s at most
    private static readonly TimeSpan _bus = TimeSpan.FromSeconds(28);
    private static readonly TimeSpan _host = TimeSpan.FromSeconds(30);

    public static IServiceCollection AddGifEmails(this IServiceCollection services, bool deployTopologyOnly = false)
    {
        services.AddOptions<ConsumerOptions>().BindConfiguration("Consumer").ValidateOnStart();
        services.AddSingleton<IValidateOptions<ConsumerOptions>, ConsumerOptionsValidator>();
        services.AddOptions<RetryOptions>().BindConfiguration("Retry").ValidateOnStart();
        services.AddSingleton<IValidateOptions<RetryOptions>, RetryOptionsValidator>();
        services.AddSingleton<GifMail>();
        services.AddSingleton<TopologyDeployment>();

        services.Configure<HostOptions>(host => host.ShutdownTimeout = _host);
        services.Configure<MassTransitHostOptions>(host =>
        {
            host.StopTimeout = _bus;
            host.ConsumerStopTimeout = _mailInHand;
        });
        return services.AddRabbitMqBus(
            bus => bus.AddConsumer<SendGifEmailConsumer, SendGifEmailConsumerDefinition>(),
            (context, rabbit) =>
            {
                rabbit.DeployTopologyOnly = deployTopologyOnly;
                rabbit.ConfigureEndpoints(context);
            });
    }
}
