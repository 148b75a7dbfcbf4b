using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>The bus configuration that both services share. Each service adds its own consumers and endpoints.</summary>
public static class BusRegistration
{
    /// <summary>Configures the bus: the host, dead-letter queues, mandatory publishing and compact JSON.</summary>
    /// <param name="rabbit">The bus.</param>
    /// <param name="context">Gives the settings.</param>
    public static void ConfigureBus(this IRabbitMqBusFactoryConfigurator rabbit, IRegistrationContext context)
    {
        rabbit.UseRabbitMqHost(context.GetRequiredService<IOptions<RabbitMqOptions>>().Value.Connection);
        QueueTopology.ConfigureDeadLetterQueues(rabbit);
        // The broker returns an event that it can't route to a queue, so it is published again instead of lost.
        rabbit.ConfigurePublish(publish => publish.UseExecute(send => send.GetPayload<RabbitMqSendContext>().Mandatory = true));
        rabbit.ConfigureJsonSerializerOptions(json =>
        {
            json.WriteIndented = false; // indentation is a third of a small message
            return json;
        });
    }

    /// <summary>Adds RabbitMQ's settings (<c>ConnectionStrings__RabbitMq</c>, <c>DeadLetterQueues__Type</c>), which are checked when the host starts, and its health check.</summary>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddRabbitMq(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck<RabbitMqHealthCheck>("rabbitmq", tags: ["ready"]);
        services.AddOptions<RabbitMqOptions>().BindConfiguration("ConnectionStrings").ValidateOnStart();
        services.AddOptions<DeadLetterQueueOptions>().BindConfiguration("DeadLetterQueues").ValidateDataAnnotations().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RabbitMqOptions>, RabbitMqOptionsValidator>());
        services.TryAddSingleton<RabbitMqClient>();
        services.TryAddSingleton<RabbitMqProbe>();
        services.TryAddSingleton<TopologyProblems>();
        services.TryAddSingleton<ConfirmedPublisher>();
        services.TryAddSingleton<PublishRetry>();
        services.TryAddSingleton<KeptMoves>();
        services.TryAddSingleton(new DelaySteps([]));
        services.TryAddSingleton(new UsedTopology([], []));
        return services;
    }

    private static void UseRabbitMqHost(this IRabbitMqBusFactoryConfigurator bus, RabbitMqConnection connection)
    {
        var first = connection.Nodes[0];
        bus.Host(first.Host, (ushort)first.Port, connection.VirtualHost, host =>
        {
            host.Username(connection.Username);
            host.Password(connection.Password);
            host.ContinuationTimeout(TimeSpan.FromSeconds(5));
            host.RequestedConnectionTimeout(TimeSpan.FromSeconds(3));
            host.Heartbeat(TimeSpan.FromSeconds(10)); // a dead peer is detected within 20 s
            host.OnRefreshConnectionFactory = factory =>
            {
                factory.EndpointResolverFactory = _ => new DefaultEndpointResolver(connection.Endpoints);
                return Task.CompletedTask;
            };
        });
    }
}
