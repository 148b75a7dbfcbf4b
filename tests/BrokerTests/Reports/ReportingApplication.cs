using System.Collections.Concurrent;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>An application of MassTransit that uses the package WorkinIt.DeadLetters.MassTransit, and a listener that collects its reports.</summary>
internal sealed class ReportingApplication : IAsyncDisposable
{
    private readonly LogLines _log = new();
    private readonly ServiceProvider _provider;

    private ReportingApplication(TestVirtualHost virtualHost, string user, Action<IBusRegistrationConfigurator> register, Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure)
    {
        VirtualHost = virtualHost;
        Listener = new ReportListener(virtualHost);
        _provider = new ServiceCollection()
            .AddSingleton(new Work())
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(_log))
            .AddMassTransit(bus =>
            {
                bus.DisableUsageTelemetry();
                register(bus);
                bus.UsingRabbitMq((context, rabbit) =>
                {
                    rabbit.Host(new Uri(virtualHost.ConnectionString(user)), host => host.Heartbeat(TimeSpan.FromSeconds(10)));
                    configure(context, rabbit);
                });
            })
            .BuildServiceProvider(validateScopes: true);
        Bus = _provider.GetRequiredService<IBusControl>();
    }

    public TestVirtualHost VirtualHost { get; }

    public IBusControl Bus { get; }

    /// <summary>What the consumers do.</summary>
    public Work Work => _provider.GetRequiredService<Work>();

    /// <summary>Log lines from level information up.</summary>
    public IReadOnlyList<string> Log => [.. _log.Lines];

    public ReportListener Listener { get; }

    public IReadOnlyList<Report> Reports => Listener.Reports;

    /// <summary>Starts an application with one consumer of <see cref="DoWork"/> on the queue work.</summary>
    public static Task<ReportingApplication> StartAsync(Action<IRabbitMqReceiveEndpointConfigurator>? endpoint = null, TestBroker? broker = null, bool listens = true, string user = "operator") =>
        StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", work =>
                {
                    endpoint?.Invoke(work);
                    work.ConfigureConsumer<WorkConsumer>(context);
                });
            },
            broker, listens, user);

    /// <summary>Starts an application.</summary>
    public static async Task<ReportingApplication> StartAsync(
        Action<IBusRegistrationConfigurator> register, Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure, TestBroker? broker = null, bool listens = true, string user = "operator",
        Func<TestVirtualHost, Task>? prepare = null)
    {
        var virtualHost = await (broker ?? TestBroker.FromEnvironment()).CreateVirtualHostAsync();
        if (prepare is not null)
            await prepare(virtualHost);
        var application = new ReportingApplication(virtualHost, user, register, configure);
        if (listens)
            await application.ListenAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await application.Bus.StartAsync(deadline.Token);
        return application;
    }

    /// <summary>Sends a message as a replay does: to the queue's own exchange, with the stamp in the AMQP headers.</summary>
    /// <returns>The message's id.</returns>
    public async Task<Guid> ReplayAsync<T>(T message, string replayId, string queue = "work", Action<SendContext<T>>? change = null)
        where T : class
    {
        var id = Guid.CreateVersion7();
        var endpoint = await Bus.GetSendEndpoint(new Uri($"exchange:{queue}"));
        await endpoint.Send(message, send =>
        {
            send.MessageId = id;
            send.GetPayload<RabbitMqSendContext>().BasicProperties.Headers = new Dictionary<string, object?>
            {
                ["Replay-Id"] = replayId,
                ["Replay-By"] = "jane",
                ["Replay-At"] = "2026-11-29T12:00:00Z",
                ["Replay-Count"] = 2,
            };
            change?.Invoke(send);
        });
        return id;
    }

    public Task ListenAsync() => Listener.StartAsync();

    public async Task<IReadOnlyList<Report>> ReportsOfAsync(string replayId, int count, int further = 300)
    {
        try
        {
            return await Listener.ReportsOfAsync(replayId, count, further);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; log: {string.Join(Environment.NewLine, Log.TakeLast(10))}");
        }
    }

    /// <summary>The kinds of a message's reports, in their order, such as "taken handled".</summary>
    public async Task<string> KindsOfAsync(string replayId, int count, int further = 300) =>
        string.Join(' ', (await ReportsOfAsync(replayId, count, further)).Select(report => report.Kind));

    public async ValueTask DisposeAsync()
    {
        await _provider.DisposeAsync();
        _log.Dispose();
        await Listener.DisposeAsync();
        await VirtualHost.DisposeAsync();
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception?.Message}");
        }

        public void Dispose()
        {
        }
    }
}
