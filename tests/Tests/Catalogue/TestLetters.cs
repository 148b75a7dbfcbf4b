using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using NewLetter = WorkinIt.DeadLetters.Catalogue.Store.NewLetter;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Makes dead letters as MassTransit does.</summary>
internal static class TestLetters
{
    public const string Source = "orders";
    public static readonly DateTimeOffset Noon = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    public static DeadLetter Fault(
        string queue, string message, string exception = "System.TimeoutException", string type = "Orders:SubmitOrder", string? body = null, DateTimeOffset? at = null, string? id = null,
        string version = "1.0.0.0", string consumer = "Orders.SubmitOrderConsumer", (string Name, object? Value)? header = null, int twin = 0)
    {
        var headers = new Dictionary<string, object?>
        {
            ["MT-Reason"] = "fault"u8.ToArray(),
            ["MT-Fault-ExceptionType"] = Encoding.UTF8.GetBytes(exception),
            ["MT-Fault-Message"] = Encoding.UTF8.GetBytes(message),
            ["MT-Fault-ConsumerType"] = Encoding.UTF8.GetBytes(consumer),
            ["MT-Host-AssemblyVersion"] = Encoding.UTF8.GetBytes(version),
        };
        if (at is { } time)
            headers["MT-Fault-Timestamp"] = Encoding.UTF8.GetBytes(time.ToString("O", CultureInfo.InvariantCulture));
        if (header is { } more)
            headers[more.Name] = more.Value;
        var properties = new BasicProperties { ContentType = "application/vnd.masstransit+json", Headers = headers };
        if (id is not null)
            properties.MessageId = id;
        return Letter(queue, properties, Encoding.UTF8.GetBytes(body ?? $$$"""{"messageType":["urn:message:{{{type}}}"],"message":{"order":"{{{message}}}"}}"""), twin);
    }

    public static DeadLetter Letter(string queue, BasicProperties properties, byte[] body, int twin = 0) =>
        new(queue, 1, twin, properties, body, DeadLetterJson.HashOf(properties, body));

    public static NewLetter Copy(this DeadLetter letter, bool redelivered = false) => new(letter, redelivered);
}
