using MassTransit;
using MassTransit.Courier.Contracts;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.BrokerTests.Reports;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>An order, with the name that it has in the README of the package for MassTransit.</summary>
[MessageUrn("Orders:PlaceOrder")]
public sealed record PlaceOrder(Guid OrderId);

/// <summary>An invoice, in another virtual host.</summary>
public sealed record SendInvoice(int Number);

/// <summary>
/// An application of another team that failed and stopped, in two virtual hosts: a consumer, a saga, a batch, a routing slip, and raw JSON; and a consumer
/// whose dead-letter queue has a name of its own. Its dead letters are those that MassTransit wrote.
/// </summary>
public sealed class ForeignApplication : IAsyncLifetime
{
    private TestBroker? _broker;
    private TestVirtualHost? _shop;
    private TestVirtualHost? _billing;

    /// <summary>The dead-letter queues of the shop, with what is in each.</summary>
    public static IReadOnlyDictionary<string, int> Letters { get; } = new Dictionary<string, int>
    {
        ["PlaceOrder_error"] = 2,
        ["order-state_error"] = 1,
        ["parcels_error"] = 5,
        ["slip-watch_error"] = 1,
        ["partner_error"] = 1,
    };

    /// <summary>The dead-letter queue of the billing, which has 3.</summary>
    public static string Invoices => "invoices.dlq";

    public TestVirtualHost Shop => _shop!;

    public TestVirtualHost Billing => _billing!;

    public Uri Management => _broker!.Management.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        _broker = TestBroker.FromEnvironment();
        _shop = await _broker.CreateVirtualHostAsync();
        _billing = await _broker.CreateVirtualHostAsync();
        await Task.WhenAll(FailInShopAsync(), FailInBillingAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var virtualHost in new[] { _shop, _billing })
        {
            if (virtualHost is not null)
                await virtualHost.DisposeAsync();
        }
        _broker?.Dispose();
    }

    private async Task FailInShopAsync()
    {
        var work = new Work { Handle = (_, _) => Work.FailAsync() };
        await using var provider = Services(work, Shop, bus =>
        {
            bus.AddConsumer<PlaceOrderConsumer>();
            bus.AddConsumer<WorkConsumer>();
            bus.AddConsumer<BatchConsumer>();
            bus.AddConsumer<SlipConsumer>();
            bus.AddSagaStateMachine<OrderMachine, OrderState>().InMemoryRepository();
        }, (context, rabbit) =>
        {
            rabbit.ReceiveEndpoint("PlaceOrder", endpoint => endpoint.ConfigureConsumer<PlaceOrderConsumer>(context));
            rabbit.ReceiveEndpoint("order-state", endpoint => endpoint.ConfigureSaga<OrderState>(context));
            rabbit.ReceiveEndpoint("parcels", endpoint => endpoint.ConfigureConsumer<BatchConsumer>(context, consumer => consumer.Options<BatchOptions>(batch => batch.SetMessageLimit(5).SetTimeLimit(TimeSpan.FromSeconds(20)))));
            rabbit.ReceiveEndpoint("charge", endpoint => endpoint.ExecuteActivityHost<SecondActivity, Arguments>(() => new SecondActivity("throws")));
            rabbit.ReceiveEndpoint("slip-watch", endpoint => endpoint.ConfigureConsumer<SlipConsumer>(context));
            rabbit.ReceiveEndpoint("partner", endpoint =>
            {
                endpoint.ConfigureConsumeTopology = false; // the partner sends to the queue; the batch has the same messages
                endpoint.ClearSerialization();
                endpoint.UseRawJsonSerializer();
                endpoint.ConfigureConsumer<WorkConsumer>(context);
            });
        });
        var bus = await StartAsync(provider);
        for (var order = 0; order < 2; order++)
            await SendAsync(bus, "PlaceOrder", new PlaceOrder(NewId.NextGuid()));
        var placed = new OrderPlaced(NewId.NextGuid());
        await SendAsync(bus, "order-state", placed);
        await SendAsync(bus, "order-state", placed); // the saga does not accept it twice
        for (var parcel = 0; parcel < 5; parcel++)
            await SendAsync(bus, "parcels", new DoWork(parcel - 2)); // one negative number fails all five
        var slip = new RoutingSlipBuilder(NewId.NextGuid());
        slip.AddActivity("charge", new Uri("exchange:charge"), new { Number = 1 });
        await bus.Execute(slip.Build());
        await using (var channel = await Shop.OpenChannelAsync(confirms: true))
        {
            var properties = new RabbitMQ.Client.BasicProperties { ContentType = "application/json", MessageId = Guid.CreateVersion7().ToString() };
            await channel.BasicPublishAsync("", "partner", mandatory: true, properties, "{\"number\":7}"u8.ToArray());
        }
        foreach (var (queue, count) in Letters)
            await SeeAsync(Shop, queue, count);
        await bus.StopAsync();
    }

    private async Task FailInBillingAsync()
    {
        await using var provider = Services(new Work(), Billing, bus => bus.AddConsumer<InvoiceConsumer>(), (context, rabbit) =>
        {
            rabbit.SendTopology.ErrorQueueNameFormatter = new DotDlq();
            rabbit.ReceiveEndpoint("invoices", endpoint => endpoint.ConfigureConsumer<InvoiceConsumer>(context));
        });
        var bus = await StartAsync(provider);
        for (var number = 0; number < 3; number++)
            await SendAsync(bus, "invoices", new SendInvoice(number));
        await SeeAsync(Billing, Invoices, 3);
        await bus.StopAsync();
    }

    private static ServiceProvider Services(Work work, TestVirtualHost virtualHost, Action<IBusRegistrationConfigurator> register, Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure) =>
        new ServiceCollection().AddSingleton(work).AddLogging().AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            register(bus);
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.Host(new Uri(virtualHost.ConnectionString("operator")));
                configure(context, rabbit);
            });
        }).BuildServiceProvider(validateScopes: true);

    private static async Task<IBusControl> StartAsync(ServiceProvider provider)
    {
        var bus = provider.GetRequiredService<IBusControl>();
        await bus.StartAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return bus;
    }

    private static async Task SendAsync<T>(IBusControl bus, string queue, T message)
        where T : class => await (await bus.GetSendEndpoint(new Uri($"exchange:{queue}"))).Send(message);

    private static async Task SeeAsync(TestVirtualHost virtualHost, string queue, int count) =>
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync(queue), ready => ready == count, $"{count} dead letters in {queue}", TimeSpan.FromMinutes(2));

    public sealed class PlaceOrderConsumer : IConsumer<PlaceOrder>
    {
        public Task Consume(ConsumeContext<PlaceOrder> context) => throw new TimeoutException("The warehouse did not answer");
    }

    public sealed class SlipConsumer : IConsumer<RoutingSlipFaulted>
    {
        public Task Consume(ConsumeContext<RoutingSlipFaulted> context) => throw new InvalidOperationException("The refund of a faulted slip is not built yet");
    }

    public sealed class InvoiceConsumer : IConsumer<SendInvoice>
    {
        public Task Consume(ConsumeContext<SendInvoice> context) => throw new FormatException("The invoice has no tax number");
    }

    private sealed class DotDlq : IErrorQueueNameFormatter
    {
        public string FormatErrorQueueName(string queueName) => $"{queueName}.dlq";
    }
}
