using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Exports dead letters to a file and imports them again: no part of a message changes.</summary>
[SuppressMessage("Security", "CA5394", Justification = "A fixed seed gives the same messages in each run")]
public sealed class ExportImportTests
{
    private const int Letters = 120;
    private const int Seed = 20261128;

    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Exported_messages_are_imported_byte_for_byte_with_every_AMQP_field_type()
    {
        await using var orders = await Orders.CreateAsync();
        var random = new Random(Seed);
        var put = new List<string>();
        for (var i = 0; i < Letters; i++)
        {
            var (properties, body) = (Properties(random, i), Body(random));
            put.Add(MessageText(properties, body));
            await orders.PutAsync(properties, body);
        }
        put.ShouldContain(letter => letter.Contains("F{}", StringComparison.Ordinal));
        put.ShouldContain(letter => letter.Contains("A[]", StringComparison.Ordinal));
        await orders.SeeAsync(Orders.Error, Letters);
        var file = Path.Combine(Path.GetTempPath(), $"workinit-{Guid.NewGuid():N}.jsonl");
        try
        {
            (await orders.Command.RunAsync("dead-letters", "export", "--queue", Orders.Error, "--output", file)).Code.ShouldBe(0);
            var lines = await File.ReadAllLinesAsync(file);
            lines.Length.ShouldBe(Letters);
            foreach (var line in lines)
                JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 300 }).RootElement.ValueKind.ShouldBe(JsonValueKind.Object);

            // All messages are still in the queue: nothing is imported twice.
            (await orders.Command.RunAsync("dead-letters", "import", file, "--yes", "--json")).ShouldSatisfyAllConditions(
                it => it.Code.ShouldBe(0, it.ToString()),
                it => it.Json.GetProperty("present").GetInt64().ShouldBe(Letters));
            Orders.ShouldBeSame(await AllAsync(orders, Orders.Error), put);
            (await orders.VirtualHost.TakeAllAsync(Orders.Error)).Count.ShouldBe(Letters);

            (await orders.Command.RunAsync("dead-letters", "import", file, "--dry-run")).Output.ShouldContain($"{Letters} of {Letters} would be imported");
            var imported = await orders.Command.RunAsync("dead-letters", "import", file, "--yes", "--json");
            imported.Code.ShouldBe(0, imported.ToString());
            imported.Json.GetProperty("done").GetInt64().ShouldBe(Letters);
            await orders.SeeAsync(Orders.Error, Letters);
            Orders.ShouldBeSame(await AllAsync(orders, Orders.Error), put);

            // Discard and restore do not change them either.
            (await orders.Command.RunAsync("dead-letters", "discard", "--queue", Orders.Error, "--all", "--yes")).Code.ShouldBe(0);
            (await orders.Command.RunAsync("dead-letters", "import", file, "--dry-run")).Output.ShouldContain($"{Letters} with a warning: also in the _discarded queue");
            (await orders.Command.RunAsync("dead-letters", "restore", "--queue", Orders.Error, "--all", "--yes")).Code.ShouldBe(0);
            (await orders.Command.RunAsync("dead-letters", "import", file, "--dry-run")).Output.ShouldNotContain("with a warning");
            Orders.ShouldBeSame(await AllAsync(orders, Orders.Error), put);
            (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).First(entry => entry.Verb == "import").ShouldSatisfyAllConditions(it => it.Done.ShouldBe(Letters), it => it.EndedAt.ShouldNotBeNull());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("{\"queue\":\"orders_error\",\"body\":\"e30=\"}\n{\"queue\":\"orders_error\",\"bo", "Line 2")]
    [InlineData("[]", "Line 1")]
    [InlineData("{\"body\":\"e30=\"}", "has no queue")]
    [InlineData("{\"queue\":\"orders_error\",\"body\":\"e30=\",\"headers\":{\"a\":{\"type\":\"int8\",\"value\":300}}}", "int8")]
    [InlineData("{\"queue\":\"a_error\",\"body\":\"e30=\"}\n{\"queue\":\"b_error\",\"body\":\"e30=\"}", "several queues")]
    [InlineData("", "no dead letter")]
    public async Task Nothing_is_imported_from_a_file_that_cannot_be_read(string text, string why)
    {
        await using var orders = await Orders.CreateAsync();
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(text));
        (await Should.ThrowAsync<DeadLetterException>(orders.Client.ImportAsync(new ImportRequest { By = "jane" }, file, null, _none))).Message.ShouldContain(why);
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(0);
    }

    [Theory]
    [InlineData("nope_error", "operator")]
    [InlineData(Orders.Error, "web")] // a RabbitMQ user without the right to read the queue
    public async Task Failed_export_of_a_missing_or_forbidden_queue_is_audited_as_ended(string queue, string user)
    {
        await using var orders = await Orders.CreateAsync();
        using var broker = TestBroker.FromEnvironment();
        using var client = new DeadLetterClient(DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString(user), broker.Management.BaseAddress!), orders.Client.Audit);
        var request = new OperationRequest { Queue = queue, Filter = DeadLetterFilter.All, By = "jane" };
        var failed = await Should.ThrowAsync<DeadLetterException>(client.ExportAsync(request, Stream.Null, null, _none));
        failed.Message.ShouldContain(queue);
        (await orders.Client.Audit.ReadAsync(queue, 1, _none)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            it => it.EndedAt.ShouldNotBeNull(), it => it.Problem.ShouldBe(failed.Message));
    }

    [Fact]
    public async Task Export_writes_only_asynchronously_so_that_a_client_that_reads_slowly_holds_no_thread()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await orders.PutAsync(new BasicProperties { DeliveryMode = DeliveryModes.Persistent }, new byte[2_000_000]);
        await using var client = new AsynchronousStream();

        (await orders.Client.ExportAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, client, null, _none)).ShouldBe(4);

        var lines = client.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("position").GetInt64()).ShouldBe([1, 2, 3, 4]);
    }

    private static BasicProperties Properties(Random random, int number)
    {
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent, Headers = new Dictionary<string, object?> { ["number"] = number } };
        for (var i = random.Next(6); i > 0; i--)
            properties.Headers[$"field {i} ü"] = Field(random, 3);
        foreach (var set in new Action[]
        {
            () => properties.MessageId = $"{number}", () => properties.ContentType = "application/json", () => properties.CorrelationId = "für", () => properties.ContentEncoding = "gzip",
            () => properties.Priority = (byte)random.Next(256), () => properties.ReplyTo = "somewhere", () => properties.Type = "", () => properties.AppId = "a\tb",
            () => properties.ClusterId = "c", () => properties.Timestamp = new AmqpTimestamp(random.NextInt64()),
        })
        {
            if (random.Next(2) == 0)
                set();
        }
        return properties;
    }

    private static object? Field(Random random, int deepest) => random.Next(deepest > 0 ? 17 : 15) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => "text ü 😀 \u001b[31m",
        3 => Bytes(random), // usually not valid UTF-8
        4 => new BinaryTableValue(Bytes(random)),
        5 => (sbyte)random.Next(-128, 128),
        6 => (byte)random.Next(256),
        7 => (short)random.Next(short.MinValue, short.MaxValue),
        8 => (ushort)random.Next(ushort.MaxValue),
        9 => random.Next(int.MinValue, int.MaxValue),
        10 => (uint)random.NextInt64(uint.MaxValue),
        11 => random.NextInt64(long.MinValue, long.MaxValue),
        12 => random.NextSingle() * random.Next(),
        13 => random.Next(5) switch { 0 => -0.0, 1 => double.Epsilon, 2 => double.MaxValue, _ => random.NextDouble() },
        14 => random.Next(2) == 0 ? new AmqpTimestamp(random.NextInt64()) : new decimal(random.Next(), 0, 0, random.Next(2) == 0, (byte)random.Next(10)),
        15 => Enumerable.Range(0, random.Next(3)).Select(_ => Field(random, deepest - 1)).ToList(),
        _ => Enumerable.Range(0, random.Next(3)).ToDictionary(i => $"k{i}", _ => Field(random, deepest - 1)),
    };

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(12)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Body(Random random) => random.Next(3) switch
    {
        0 => Bytes(random),
        1 => "{\n  \"a\": [1.50, \"\\ud83d\", \"\u0085\"],\r\n  \"a\": { }\n}"u8.ToArray(),
        _ => Orders.Envelope(Guid.CreateVersion7(), "{ \"note\": \"für 😀\" }"),
    };

    private static async Task<IEnumerable<string>> AllAsync(Orders orders, string queue) =>
        (await orders.Client.ListAsync(queue, DeadLetterFilter.All, 0, Letters + 1, "jane", _none)).Letters.Select(letter => MessageText(letter.Properties, letter.Body.Span));

    private static string MessageText(IReadOnlyBasicProperties p, ReadOnlySpan<byte> body) => string.Join('|',
        Convert.ToHexString(body), p.IsMessageIdPresent(), p.MessageId, p.IsContentTypePresent(), p.ContentType, p.CorrelationId, p.ContentEncoding, p.DeliveryMode,
        p.IsPriorityPresent(), p.Priority, p.ReplyTo, p.IsTypePresent(), p.Type, p.AppId, p.ClusterId, p.IsTimestampPresent(), p.Timestamp.UnixTime, FieldText(p.Headers));

    private static string FieldText(object? value) => value switch
    {
        null => "void",
        string text => $"S{Convert.ToHexString(Encoding.UTF8.GetBytes(text))}",
        byte[] bytes => $"S{Convert.ToHexString(bytes)}",
        BinaryTableValue binary => $"x{Convert.ToHexString(binary.Bytes)}",
        float number => $"f{BitConverter.SingleToInt32Bits(number):x}",
        double number => $"d{BitConverter.DoubleToInt64Bits(number):x}",
        decimal number => $"D{string.Join(',', decimal.GetBits(number))}",
        AmqpTimestamp time => $"T{time.UnixTime}",
        IDictionary<string, object?> table => $"F{{{string.Join(',', table.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => $"{field.Key}={FieldText(field.Value)}"))}}}",
        IEnumerable<object?> items => $"A[{string.Join(',', items.Select(FieldText))}]",
        _ => $"{value.GetType().Name}{Convert.ToString(value, CultureInfo.InvariantCulture)}",
    };

    // As a web server's stream.
    private sealed class AsynchronousStream : MemoryStream
    {
        private readonly MemoryStream _written = new();

        public string Text => Encoding.UTF8.GetString(_written.ToArray());

        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("A synchronous write");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new InvalidOperationException("A synchronous write");

        public override void WriteByte(byte value) => throw new InvalidOperationException("A synchronous write");

        public override void Flush() => throw new InvalidOperationException("A synchronous flush");

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => _written.WriteAsync(buffer, offset, count, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _written.WriteAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            _written.Dispose();
            base.Dispose(disposing);
        }
    }
}
