using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>
/// An application that reports on replayed messages, as the package WorkinIt.DeadLetters.MassTransit does, and keeps its own account of them. A delayed
/// message comes back after 2 s and is handled then.
/// </summary>
internal sealed class ReportingApplication : IAsyncDisposable
{
    private readonly IChannel _consuming;
    private readonly IChannel _publishing;
    private readonly Func<int, Handling> _handle;
    private readonly Func<int, TimeSpan> _takes;
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly ConcurrentDictionary<string, int> _tries = new();
    private int _running;

    private ReportingApplication(IChannel consuming, IChannel publishing, Func<int, Handling> handle, Func<int, TimeSpan> takes, ConcurrentDictionary<string, Outcome> own) =>
        (_consuming, _publishing, _handle, _takes, Own) = (consuming, publishing, handle, takes, own);

    /// <summary>What became of each replayed message, by its replay id.</summary>
    public ConcurrentDictionary<string, Outcome> Own { get; }

    /// <param name="orders">The queues.</param>
    /// <param name="handle">What becomes of an order.</param>
    /// <param name="takes">How long that takes; null: no time.</param>
    /// <param name="concurrency">How many messages are consumed at once.</param>
    /// <param name="own">The account of an earlier process.</param>
    public static async Task<ReportingApplication> StartAsync(
        Orders orders, Func<int, Handling> handle, Func<int, TimeSpan>? takes = null, ushort concurrency = 64, ConcurrentDictionary<string, Outcome>? own = null)
    {
        var (consuming, publishing) = (await orders.VirtualHost.OpenChannelAsync(), await orders.VirtualHost.OpenChannelAsync());
        await publishing.ExchangeDeclareAsync("orders_skipped", ExchangeType.Fanout, durable: true);
        await publishing.QueueDeclareAsync("orders_skipped", durable: true, exclusive: false, autoDelete: false);
        await publishing.QueueBindAsync("orders_skipped", "orders_skipped", "");
        await publishing.ExchangeDeclareAsync(ReplayReport.Exchange, ExchangeType.Topic, durable: true);
        var application = new ReportingApplication(consuming, publishing, handle, takes ?? (_ => TimeSpan.Zero), own ?? new());
        var consumer = new AsyncEventingBasicConsumer(consuming);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            var (tag, properties, body) = (delivery.DeliveryTag, new BasicProperties(delivery.BasicProperties), delivery.Body.ToArray());
            _ = application.ConsumeAsync(tag, properties, body);
            return Task.CompletedTask;
        };
        await consuming.BasicQosAsync(0, concurrency, global: false);
        await consuming.BasicConsumeAsync(Orders.Input, autoAck: false, consumer);
        return application;
    }

    /// <summary>Publishes a report about a message.</summary>
    public static ValueTask ReportAsync(IChannel channel, ReplayReport report) => channel.BasicPublishAsync(
        ReplayReport.Exchange, report.ReplayId, mandatory: false,
        new BasicProperties { Type = ReplayReport.Type, ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent }, report.ToJson());

    public async ValueTask DisposeAsync()
    {
        await _consuming.DisposeAsync();
        for (var waited = Stopwatch.StartNew(); Volatile.Read(ref _running) > 0 && waited.Elapsed < TimeSpan.FromSeconds(30);)
            await Task.Delay(50);
        await _publishing.DisposeAsync();
        _one.Dispose();
    }

    private async Task ConsumeAsync(ulong tag, BasicProperties properties, byte[] body)
    {
        Interlocked.Increment(ref _running);
        try
        {
            using var json = JsonDocument.Parse(body);
            await ConsumeAsync(tag, properties, body, json.RootElement.GetProperty("message").GetProperty("number").GetInt32());
        }
        catch (Exception e) when (e is RabbitMQClientException or ObjectDisposedException or IOException)
        {
            // The broker was stopped, or the test has ended: the message is delivered again.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task ConsumeAsync(ulong tag, BasicProperties properties, byte[] body, int number)
    {
        var id = properties.Headers?.TryGetValue("Replay-Id", out var value) == true ? Encoding.UTF8.GetString((byte[])value!) : null;
        var tries = id is null ? 1 : _tries.AddOrUpdate(id, 1, (_, before) => before + 1);
        await ReportAsync(id, ReportKind.Taken, tries, 0);
        var watch = Stopwatch.StartNew();
        await Task.Delay(_takes(number));
        var handling = _handle(number) is var first && first == Handling.Delays && tries > 1 ? Handling.Succeeds : first;
        if (handling == Handling.Holds)
            return;
        var (kind, outcome, exchange) = handling switch
        {
            Handling.Fails => (ReportKind.Failed, Outcome.FailedAgain, Orders.Error),
            Handling.Skips => (ReportKind.Skipped, Outcome.Skipped, "orders_skipped"),
            Handling.Delays => (ReportKind.Delayed, Outcome.Delayed, null),
            _ => (ReportKind.Handled, Outcome.Handled, (string?)null),
        };
        await ReportAsync(id, kind, tries, watch.Elapsed.TotalMilliseconds);
        if (id is not null)
            Own[id] = outcome;
        if (exchange is not null)
            await PublishAsync(exchange, Faulted(properties, handling), body);
        if (handling == Handling.Delays)
            _ = ComeBackAsync(properties, body);
        await _consuming.BasicAckAsync(tag, multiple: false);
    }

    private async Task ComeBackAsync(BasicProperties properties, byte[] body)
    {
        await Task.Delay(TimeSpan.FromSeconds(2));
        await PublishAsync(Orders.Input, properties, body);
    }

    private static BasicProperties Faulted(BasicProperties properties, Handling handling) => new(properties)
    {
        Headers = new Dictionary<string, object?>(properties.Headers ?? new Dictionary<string, object?>())
        {
            ["MT-Reason"] = handling == Handling.Skips ? "dead-letter" : "fault",
            ["MT-Fault-ExceptionType"] = handling == Handling.Skips ? null : "Orders.StillBrokenException",
            ["MT-Fault-Message"] = handling == Handling.Skips ? null : "It is still broken",
        },
    };

    private async Task ReportAsync(string? id, ReportKind kind, int tries, double milliseconds)
    {
        if (id is null)
            return;
        var report = new ReplayReport
        {
            ReplayId = id,
            Kind = kind,
            At = DateTimeOffset.UtcNow,
            Queue = Orders.Input,
            Try = tries,
            Consumer = "Orders.PlaceOrderConsumer",
            Version = "2.4.0",
            Milliseconds = kind == ReportKind.Taken ? null : milliseconds,
            ExceptionType = kind == ReportKind.Failed ? "Orders.StillBrokenException" : null,
            Reason = kind == ReportKind.Failed ? "It is still broken" : null,
            Until = kind == ReportKind.Delayed ? DateTimeOffset.UtcNow.AddSeconds(2) : null,
        };
        await _one.WaitAsync();
        try
        {
            await ReportAsync(_publishing, report);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task PublishAsync(string exchange, BasicProperties properties, byte[] body)
    {
        await _one.WaitAsync();
        try
        {
            await _publishing.BasicPublishAsync(exchange, "", mandatory: true, properties, body);
        }
        finally
        {
            _one.Release();
        }
    }
}
