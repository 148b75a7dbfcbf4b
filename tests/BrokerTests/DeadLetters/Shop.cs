using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using MassTransit;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>An order of the shop.</summary>
public sealed record ShopOrder(int Number);

/// <summary>A MassTransit application with one consumer. Its dead letters are those that MassTransit itself has written.</summary>
internal sealed partial class Shop : IAsyncDisposable
{
    public const string Input = "shop";
    public const string Error = "shop_error";

    private readonly TestBroker _broker;
    private readonly string _audit = Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl");
    private readonly ApplicationThatReports? _reports;
    private readonly bool _hasPackage;
    private readonly Lock _lock = new();
    private readonly List<int> _handled = [];
    private IBusControl? _bus;

    private Shop(TestBroker broker, TestVirtualHost virtualHost, ApplicationThatReports? reports, bool hasPackage)
    {
        (_broker, VirtualHost, _reports, _hasPackage) = (broker, virtualHost, reports, hasPackage);
        Client = new DeadLetterClient(DeadLetterOptions.Parse(virtualHost.ConnectionString("operator"), broker.Management.BaseAddress!), new AuditFile(_audit), reports);
    }

    public TestVirtualHost VirtualHost { get; }

    public DeadLetterClient Client { get; }

    /// <summary>Decides what happens with an order, by its number and how many were handled before: null if it succeeds, otherwise why it fails.</summary>
    public Func<int, int, Exception?> Fails { get; set; } = (_, _) => null;

    /// <summary>The numbers of the handled orders.</summary>
    public IReadOnlyList<int> Handled
    {
        get
        {
            lock (_lock)
                return [.. _handled];
        }
    }

    /// <summary>The operator's command on these queues.</summary>
    public Dictionary<string, string> CommandSettings => new()
    {
        ["ConnectionStrings__RabbitMq"] = VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = _broker.Management.BaseAddress!.ToString(),
        ["DeadLetters__AuditFile"] = _audit,
    };

    /// <summary>Starts the shop, and lets orders fail: their numbers start with 0.</summary>
    /// <param name="failed">How many.</param>
    /// <param name="reports">Whether the console gets the outcomes from the application's advisor.</param>
    /// <param name="hasPackage">Whether the application reports the outcomes with the package.</param>
    public static async Task<Shop> CreateAsync(int failed, bool reports, bool hasPackage = false)
    {
        var broker = TestBroker.FromEnvironment();
        var shop = new Shop(broker, await broker.CreateVirtualHostAsync(), reports ? new ApplicationThatReports() : null, hasPackage);
        shop.Fails = (_, _) => new TimeoutException("The warehouse did not answer");
        await shop.StartAsync();
        var endpoint = await shop._bus!.GetSendEndpoint(new Uri("queue:" + Input));
        await endpoint.SendBatch(Enumerable.Range(0, failed).Select(number => new ShopOrder(number)));
        await Eventually.SeeAsync(() => shop.VirtualHost.ReadyAsync(Error), ready => ready == failed, $"{failed} orders failed", TimeSpan.FromMinutes(3));
        shop.Fails = (_, _) => null;
        return shop;
    }

    /// <summary>Starts its consumer.</summary>
    public async Task StartAsync()
    {
        _bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(VirtualHost.ConnectionString("operator")));
            if (_hasPackage)
                rabbit.UseReplayReports();
            rabbit.ReceiveEndpoint(Input, endpoint =>
            {
                endpoint.ConcurrentMessageLimit = 1;
                endpoint.Handler<ShopOrder>(context => HandleAsync(context.Message.Number, context.MessageId!.Value));
            });
        });
        await _bus.StartAsync();
    }

    /// <summary>Stops its consumer.</summary>
    public async Task StopAsync()
    {
        if (_bus is not null)
            await _bus.StopAsync();
        _bus = null;
    }

    /// <summary>The dead letters, each as one line with every byte and header but without its position, in their order.</summary>
    public async Task<IReadOnlyList<string>> ExportAsync()
    {
        using var lines = new MemoryStream();
        await Client.ExportAsync(new OperationRequest { Queue = Error, Filter = DeadLetterFilter.All, By = "jane" }, lines, null, default);
        return [.. Encoding.UTF8.GetString(lines.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Position().Replace(line, ""))];
    }

    /// <summary>The dead letters, each as text with every byte, property and header, in their order. They stay in the queue; unlike an export, it needs no lock.</summary>
    public async Task<IReadOnlyList<string>> LookAsync()
    {
        await using var channel = await VirtualHost.OpenChannelAsync();
        var (letters, last) = (new List<string>(), 0UL);
        while (await channel.BasicGetAsync(Error, autoAck: false) is { } letter)
        {
            last = letter.DeliveryTag;
            var other = letter.BasicProperties;
            letters.Add($"{Orders.Text(letter)} {other.Type} {other.AppId} {other.DeliveryMode} {other.Priority} {other.Expiration} {other.ReplyTo} {other.Timestamp.UnixTime} {other.UserId} {other.ContentEncoding}");
        }
        await channel.BasicNackAsync(last, multiple: true, requeue: true);
        await Eventually.SeeAsync(() => VirtualHost.ReadyAsync(Error), ready => ready == letters.Count, "the letters are back in the queue");
        return letters;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client.Dispose();
        await VirtualHost.DisposeAsync();
        _broker.Dispose();
    }

    [GeneratedRegex("\"position\":[0-9]+,")]
    private static partial Regex Position();

    [MethodImpl(MethodImplOptions.NoInlining)] // where it is inlined after some calls, the stack trace lacks it, and the cause is another one
    private Task HandleAsync(int number, Guid messageId)
    {
        lock (_lock)
        {
            if (Fails(number, _handled.Count) is { } why)
                throw why;
            _handled.Add(number);
        }
        _reports?.Handled(messageId.ToString());
        return Task.CompletedTask;
    }
}
