using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Testbed;

/// <summary>A dead letter as MassTransit would write it, without a broker.</summary>
public sealed record FailedLetter
{
    /// <summary>The dead-letter queue.</summary>
    public string Queue { get; init; } = "orders_error";

    public string Exception { get; init; } = "System.TimeoutException";

    public string Reason { get; init; } = "The database did not answer within 30 s";

    public string Message { get; init; } = """{"orderId":"0199c4f0-0000-7000-8000-000000000001","email":"jane@example.com","item":"tea"}""";

    public string Type { get; init; } = "Shop.Orders:PlaceOrder";

    public string? Stack { get; init; } = "   at Shop.Orders.Warehouse.Reserve(String item) in /_/Shop/Warehouse.cs:line 41";

    public string? Consumer { get; init; } = "Shop.Orders.PlaceOrderConsumer";

    public string Version { get; init; } = "3.2.0";

    public Guid MessageId { get; init; } = Guid.CreateVersion7();

    public DateTimeOffset At { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>When the message was sent; null: two minutes before it failed.</summary>
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>How often it was replayed before.</summary>
    public int Replays { get; init; }

    /// <summary>The last replay's id, with the message's number in it; if it was replayed.</summary>
    public string ReplayId { get; init; } = "0199c4f0000070008000000000000009.1";

    /// <summary>Headers of the application.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string> { ["X-Customer"] = "Jane Doe" };

    /// <summary>The dead letter.</summary>
    public DeadLetter Build()
    {
        var headers = new Dictionary<string, object?>
        {
            ["MT-Reason"] = "fault",
            ["MT-Fault-ExceptionType"] = Exception,
            ["MT-Fault-Message"] = Reason,
            ["MT-Fault-Timestamp"] = At.ToString("O", CultureInfo.InvariantCulture),
            ["MT-Fault-StackTrace"] = Stack,
            ["MT-Fault-InputAddress"] = $"rabbitmq://localhost/{Queue.Replace("_error", "", StringComparison.Ordinal)}",
            ["MT-Fault-ConsumerType"] = Consumer,
            ["MT-Fault-RetryCount"] = "3",
            ["MT-Host-MachineName"] = "orders-7c9f",
            ["MT-Host-ProcessName"] = "Shop.Orders",
            ["MT-Host-ProcessId"] = "1",
            ["MT-Host-AssemblyVersion"] = Version,
        };
        foreach (var (name, value) in Headers)
            headers[name] = value;
        if (Replays > 0)
        {
            (headers["Replay-Id"], headers["Replay-By"]) = (ReplayId, "Sam");
            (headers["Replay-At"], headers["Replay-Count"]) = (At.AddMinutes(-1).ToString("O", CultureInfo.InvariantCulture), Replays.ToString(CultureInfo.InvariantCulture));
        }
        var properties = new BasicProperties
        {
            MessageId = MessageId.ToString(),
            ContentType = "application/vnd.masstransit+json",
            Headers = headers.Where(header => header.Value is not null).ToDictionary(),
        };
        var body = Encoding.UTF8.GetBytes($$$"""
            {"messageId":"{{{MessageId}}}","messageType":["urn:message:{{{Type}}}"],"message":{{{Message}}},"sentTime":"{{{SentAt ?? At.AddMinutes(-2):O}}}","headers":{}}
            """);
        return new DeadLetter(Queue, 1, 0, properties, body, DeadLetterJson.HashOf(properties, body));
    }
}
