using MassTransit;
using MassTransit.Middleware;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using WorkinIt.Gifs;
using WorkinIt.Messaging;
using WorkinIt.SignIn;
using WorkinIt.Storage;
using WorkinIt.Web.Limits;

namespace WorkinIt.Web.Submissions;

internal static class SubmissionRegistration
{
    // Nothing in Web takes longer, and compose.yaml or a cluster kills the process after 15 s.
    private static readonly TimeSpan _stop = TimeSpan.FromSeconds(10);

    public static IServiceCollection AddSubmissions(this IServiceCollection services)
    {
        services.Configure<HostOptions>(host => host.ShutdownTimeout = _stop);
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<LimitOptions>().BindConfiguration("Limits").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ClientLimit>();
        services.AddOptions<SubmissionOptions>().BindConfiguration("Submissions").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(provider =>
        {
            var database = provider.GetRequiredService<IConfiguration>().GetDatabase("Submissions");
            return new SubmissionStore(database, new GroupCommit(database), provider.GetRequiredService<TimeProvider>());
        });
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            "submissions",
            provider => new DatabaseHealthCheck(
                provider.GetRequiredService<IConfiguration>().GetDatabase("Submissions"), "submissions", provider.GetRequiredService<SubmissionStore>().ProbeAsync),
            HealthStatus.Unhealthy, ["ready"]));
        services.AddHealthChecks().AddCheck<UnconfirmedHealthCheck>("unconfirmed", HealthStatus.Unhealthy, ["ready"]);
        services.AddSingleton<SubmissionService>();
        services.AddSingleton<PublishConnection>();
        services.AddSingleton<SubmissionPublisher>();
        services.AddSingleton<SubmissionRelay>();
        services.AddHostedService(provider => provider.GetRequiredService<SubmissionRelay>());
        services.AddHostedService<MissingSubmissions>();
        services.AddSingleton<SubmissionEventFilter>();
        services.AddHostedService<SubmissionPurge>();
        services.AddSingleton<SenderCookie>();
        services.AddSingleton<BuiltInGifs>();
        services.AddSingleton<SubmissionWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<SubmissionWatch>());
        services.AddSingleton(QueueTopology.UsedByWeb);
        return services.AddRabbitMq();
    }

    /// <summary>Adds the queue with the outcomes of submissions.</summary>
    /// <param name="rabbit">The bus.</param>
    /// <param name="context">Gives the consumers.</param>
    public static void ReceiveOutcomes(this IRabbitMqBusFactoryConfigurator rabbit, IBusRegistrationContext context) =>
        rabbit.ReceiveEndpoint(QueueTopology.StatusQueue, endpoint =>
        {
            QueueTopology.ConfigureStatusQueue(endpoint);
            QueueTopology.ExpectDeployed(endpoint, context);
            endpoint.ConfigureChannel(channel => channel.UseFilter(context.GetRequiredService<PublishConnection>()));
            endpoint.UseFilter(context.GetRequiredService<SubmissionEventFilter>());
            endpoint.PrefetchCount = 256;
            endpoint.ConcurrentMessageLimit = 64;
            // Only the database can fail here. These retries take a minute and a half, longer than a database restart.
            endpoint.UseMessageRetry(retry => retry.Exponential(12, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(500)));
            endpoint.ConfigureError(error => error.UseFilter(new ErrorTransportFilter())); // no consumer subscribes to faults of events
            endpoint.ConfigureConsumer<SubmissionStatusConsumer>(context);
            endpoint.ConfigureConsumer<DeadSubmissionConsumer>(context);
        });

    /// <summary>Migrates the schema of the submissions database.</summary>
    public static void MigrateSubmissions(this IConfiguration configuration)
    {
        var database = configuration.GetDatabase("Submissions");
        DatabaseSchema.Migrate(database, typeof(CreateSubmissions).Assembly);
        OperatorSignIn.MigrateSessions(database);
    }
}
