using System.Collections.Concurrent;
using System.Text.Json;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>
/// A MassTransit application with the package, the dead letters that it made itself, and its own account of what became of them. It can be started again
/// with other consumers, as after a deployment.
/// </summary>
internal sealed class RealApplication : IAsyncDisposable
{
    private static readonly TimeSpan _stop = TimeSpan.FromSeconds(30);

    private readonly TestBroker _broker;
    private readonly string _audit = Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl");
    private Dictionary<string, string>? _numbers; // of the dead letters, by message id
    private ServiceProvider? _provider;
    private IBusControl? _bus;
    private TimeSpan _pause; // of each message, so that the consumers do not empty the queue

    private RealApplication(TestBroker broker, TestVirtualHost virtualHost, string queue)
    {
        (_broker, VirtualHost, Queue) = (broker, virtualHost, queue);
        Client = new DeadLetterClient(DeadLetterOptions.Parse(virtualHost.ConnectionString("operator"), broker.Management.BaseAddress!), new AuditFile(_audit));
    }

    public TestVirtualHost VirtualHost { get; }

    /// <summary>The queue whose dead letters are replayed.</summary>
    public string Queue { get; }

    public string Error => Queue + "_error";

    public DeadLetterClient Client { get; }

    public IBusControl Bus => _bus!;

    public Work Work { get; } = new();

    /// <summary>The message ids that ended well, by the application's own account.</summary>
    public ConcurrentDictionary<string, int> Done { get; } = [];

    /// <summary>The message ids that failed without a dead letter, by the application's own account.</summary>
    public ConcurrentDictionary<string, int> Faulted { get; } = [];

    /// <summary>The operator's command on this broker.</summary>
    public OperatorCommand Command => new(new Dictionary<string, string>
    {
        ["ConnectionStrings__RabbitMq"] = VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = _broker.Management.BaseAddress!.ToString(),
        ["DeadLetters__AuditFile"] = _audit,
    });

    public static async Task<RealApplication> CreateAsync(string queue = "work")
    {
        var broker = TestBroker.FromEnvironment();
        var application = new RealApplication(broker, await broker.CreateVirtualHostAsync(), queue);
        application.Work.Handle = (_, _) => Work.FailAsync();
        application.Work.Succeeded = context => application.Note(context.MessageId);
        return application;
    }

    /// <summary>Starts it, or another version of it.</summary>
    /// <param name="register">Adds its consumers.</param>
    /// <param name="configure">Configures its endpoints.</param>
    /// <param name="reports">Whether it uses the package.</param>
    public async Task StartAsync(Action<IBusRegistrationConfigurator> register, Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure, bool reports = true)
    {
        await StopAsync();
        _provider = new ServiceCollection()
            .AddSingleton(Work)
            .AddSingleton(this)
            .AddLogging()
            .AddMassTransit(bus =>
            {
                bus.DisableUsageTelemetry();
                register(bus);
                bus.UsingRabbitMq((context, rabbit) =>
                {
                    rabbit.Host(new Uri(VirtualHost.ConnectionString("operator")), host => host.Heartbeat(TimeSpan.FromSeconds(10)));
                    if (reports)
                        rabbit.UseReplayReports();
                    rabbit.UseExecuteAsync(_ => Task.Delay(_pause));
                    configure(context, rabbit);
                });
            })
            .BuildServiceProvider(validateScopes: true);
        _bus = _provider.GetRequiredService<IBusControl>();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _bus.StartAsync(deadline.Token);
    }

    /// <summary>Starts it with one consumer of <see cref="DoWork"/>.</summary>
    public Task StartAsync(Action<IRabbitMqReceiveEndpointConfigurator>? endpoint = null, bool reports = true) => StartAsync(
        bus => bus.AddConsumer<WorkConsumer>(),
        (context, rabbit) => rabbit.ReceiveEndpoint(Queue, work =>
        {
            endpoint?.Invoke(work);
            work.ConfigureConsumer<WorkConsumer>(context);
        }),
        reports);

    public async Task StopAsync()
    {
        try
        {
            if (_bus is not null)
                await _bus.StopAsync().WaitAsync(_stop);
            if (_provider is not null)
                await _provider.DisposeAsync().AsTask().WaitAsync(_stop);
        }
        catch (TimeoutException)
        {
            // A response to an exchange that is gone can stop an endpoint for good (docs/discovery.md). The test has its result.
        }
        (_bus, _provider) = (null, null);
    }

    /// <summary>Sends messages to the queue.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="idOf">The id of a message; null: a new one for each.</param>
    /// <returns>Their ids.</returns>
    public async Task<IReadOnlyList<Guid>> SendAsync<T>(IEnumerable<T> messages, Func<T, Guid>? idOf = null)
        where T : class
    {
        var endpoint = await Bus.GetSendEndpoint(new Uri($"exchange:{Queue}"));
        var ids = new List<Guid>();
        foreach (var message in messages)
        {
            ids.Add(idOf?.Invoke(message) ?? Guid.CreateVersion7());
            await endpoint.Send(message, send => send.MessageId = ids[^1]);
        }
        return ids;
    }

    /// <summary>Sends the numbers from 0 up as <see cref="DoWork"/>, and waits until all have failed.</summary>
    public async Task FailAsync(int count)
    {
        await SendAsync(Enumerable.Range(0, count).Select(number => new DoWork(number)));
        await SeeDeadAsync(count);
    }

    /// <summary>Waits until there are so many dead letters, and clears the account.</summary>
    public async Task SeeDeadAsync(int count)
    {
        await Eventually.SeeAsync(() => VirtualHost.ReadyAsync(Error), ready => ready == count, $"{count} dead letters");
        Work.Tries.Clear();
        Done.Clear();
    }

    /// <summary>Keeps its queue from ever being empty: from now on its consumers are slow, and about 50 more messages arrive each second.</summary>
    /// <param name="put">Sends a message with this number; null: a <see cref="DoWork"/>.</param>
    /// <param name="concurrency">How many messages it consumes at once.</param>
    public Task<BusyQueue> KeepBusyAsync(Func<int, Task>? put = null, int concurrency = 16)
    {
        _pause = TimeSpan.FromSeconds(concurrency / 50.0);
        return BusyQueue.StartAsync(VirtualHost, Queue, backlog: 150, put ?? (number => SendAsync([new DoWork(number)])));
    }

    public Task<OperationResult> ReplayAsync(int waitSeconds = 60, bool followsLater = false) => Client.ReplayAsync(
        new ReplayRequest { Queue = Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.FromSeconds(waitSeconds), AllAtOnce = true, FollowsLater = followsLater }, null, default);

    /// <summary>Identifies the messages by their numbers from now on: a redelivery gives them new ids.</summary>
    public async Task UseNumbersAsync()
    {
        var letters = (await Client.ListAsync(Error, DeadLetterFilter.All, 0, int.MaxValue, "jane", default)).Letters;
        _numbers = letters.ToDictionary(letter => letter.MessageId!, letter => NumberIn(letter.Body));
        Work.Succeeded = context => Done[$"{context.Message.Number}"] = 1;
    }

    /// <summary>Notes that a message ended well.</summary>
    public void Note(Guid? messageId) => Done.AddOrUpdate($"{messageId}", 1, (_, times) => times + 1);

    /// <summary>Compares each outcome with the application's account: what it has done, and its dead letters, which are removed.</summary>
    /// <param name="replayed">The outcomes.</param>
    /// <param name="counts">How many there are of each, as in <c>5 failed again, 20 handled</c>; null: each is handled or failed again, and there are both.</param>
    public async Task ShouldAgreeAsync(IReadOnlyList<Replayed> replayed, string? counts)
    {
        var own = new Dictionary<string, Outcome>();
        foreach (var id in Done.Keys)
            own[id] = Outcome.Handled;
        foreach (var id in Faulted.Keys)
            own[id] = Outcome.FailedAgain;
        foreach (var message in await VirtualHost.TakeAllAsync(Error))
            own[_numbers is null ? message.BasicProperties.MessageId! : NumberIn(message.Body)] = Outcome.FailedAgain;
        if (await VirtualHost.ReadyAsync(Queue + "_skipped") > 0)
        {
            foreach (var message in await VirtualHost.TakeAllAsync(Queue + "_skipped"))
                own[message.BasicProperties.MessageId!] = Outcome.Skipped;
        }
        Outcome OwnOf(Replayed message) => own.GetValueOrDefault(_numbers?[message.MessageId!] ?? message.MessageId!, Outcome.Waiting);
        replayed.Where(message => message.Outcome != OwnOf(message)).Select(message => $"{message.ReplayId} is {message.Outcome}, and was {OwnOf(message)}").ShouldBeEmpty();
        var found = OutcomeCounts.Count(replayed);
        if (counts is not null)
            found.ToString().ShouldBe(counts);
        else
            (found.Handled > 0 && found.FailedAgain > 0 && found.Handled + found.FailedAgain == replayed.Count).ShouldBeTrue(found.ToString());
    }

    /// <summary>Waits until what is reported later has settled the outcomes.</summary>
    public static async Task<IReadOnlyList<Replayed>> SeeLaterAsync(OperationResult result, Func<Replayed, bool> isSettled)
    {
        await using var later = result.Later.ShouldNotBeNull();
        return await Eventually.SeeAsync(() => Task.FromResult(later.Replayed), all => all.All(isSettled), "all outcomes are settled", TimeSpan.FromSeconds(40));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client.Dispose();
        await VirtualHost.DisposeAsync();
        _broker.Dispose();
    }

    private static string NumberIn(ReadOnlyMemory<byte> body)
    {
        using var envelope = JsonDocument.Parse(body);
        return envelope.RootElement.GetProperty("message").GetProperty("number").GetRawText();
    }
}
