using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>Collects the reports of a virtual host.</summary>
internal sealed class ReportListener(TestVirtualHost virtualHost) : IAsyncDisposable
{
    public const string Exchange = "dead-letters.reports";

    private readonly ConcurrentQueue<Report> _reports = [];
    private IChannel? _channel;

    public IReadOnlyList<Report> Reports => [.. _reports];

    /// <summary>Binds a queue to the exchange of the reports, which it declares, as the console does.</summary>
    public async Task StartAsync()
    {
        _channel = await virtualHost.OpenChannelAsync();
        await _channel.ExchangeDeclareAsync(Exchange, ExchangeType.Topic, durable: true);
        var queue = (await _channel.QueueDeclareAsync("", exclusive: true)).QueueName;
        await _channel.QueueBindAsync(queue, Exchange, "#");
        var consumer = new AsyncEventingBasicConsumer(_channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            _reports.Enqueue(Report.Read(delivery));
            return Task.CompletedTask;
        };
        await _channel.BasicConsumeAsync(queue, autoAck: true, consumer);
    }

    /// <summary>Waits until a replayed message has a number of reports, then some milliseconds more for one too many.</summary>
    public async Task<IReadOnlyList<Report>> ReportsOfAsync(string replayId, int count, int further = 300)
    {
        List<Report> Of() => [.. _reports.Where(report => report.ReplayId == replayId)];
        try
        {
            await Eventually.SeeAsync(() => Of().Count >= count, $"{count} reports of {replayId}", TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; reported: {string.Join("; ", _reports)}");
        }
        await Task.Delay(further);
        return Of();
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel is not null)
            await _channel.DisposeAsync();
    }
}

/// <summary>A report as it arrives.</summary>
internal sealed record Report(string ReplayId, string Kind, string Queue, string? Consumer, string? ExceptionType, string? Reason, DateTimeOffset? Until, JsonElement Json, IReadOnlyBasicProperties Properties)
{
    public static Report Read(BasicDeliverEventArgs delivery)
    {
        var json = JsonDocument.Parse(delivery.Body.ToArray()).RootElement;
        string? Text(string name) => json.TryGetProperty(name, out var value) ? value.GetString() : null;
        delivery.RoutingKey.ShouldBe(Text("replayId"));
        var properties = new BasicProperties(delivery.BasicProperties);
        return new(
            Text("replayId")!, Text("kind")!, Text("queue")!, Text("consumer"), Text("exceptionType"), Text("reason"),
            Text("until") is { } until ? DateTimeOffset.Parse(until, CultureInfo.InvariantCulture) : null, json, properties);
    }

    public override string ToString() => Json.ToString();
}
