using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What is read from the catalogue; run on SQLite and on PostgreSQL.</summary>
public abstract class CatalogueReaderScenarios : CatalogueScenarios
{
    [Theory]
    [InlineData("queue:orders", "a b")]
    [InlineData("queue:\"orders_error\"", "a b")]
    [InlineData("queue:\"orders\"", "")]
    [InlineData("queue:_", "a b c")] // no placeholder
    [InlineData("queue:%", "")]
    [InlineData("type:refund", "c")]
    [InlineData("exception:timeout", "a c")]
    [InlineData("consumer:submit", "a b c")]
    [InlineData("version:2.", "b")]
    [InlineData("id:M-1", "")]
    [InlineData("id:m-1", "a")]
    [InlineData("age:<90m", "b c")]
    [InlineData("age:>90m", "a")]
    [InlineData("age:>1m age:<90m", "b")]
    [InlineData("since:2026-11-29T11:00Z", "b c")]
    [InlineData("until:2026-11-29T11:00Z", "a")]
    [InlineData("exception:timeout queue:orders", "a")]
    [InlineData("source:orders", "a b c")]
    [InlineData("source:other", "")]
    public async Task Query_selects_letters(string query, string selected)
    {
        await AddAsync(
            Fault(Queue, "a", "System.TimeoutException", at: Noon.AddHours(-2), id: "m-1"),
            Fault(Queue, "b", "System.ArgumentException", at: Noon.AddHours(-1), version: "2.0.0.0"),
            Fault("payments_error", "c", "System.TimeoutException", "Orders:RefundOrder", at: Noon));

        (await SelectedAsync(query)).ShouldBe(selected);
    }

    [Theory]
    [InlineData("refused", "a b")]
    [InlineData("REFUSED", "a b")]
    [InlineData("\"connection refused\"", "a")]
    [InlineData("efuse", "a b")] // a part of a word
    [InlineData("needle", "c")] // in the body
    [InlineData("Grüße", "c")] // escaped in the body's JSON
    [InlineData("100%", "d")]
    [InlineData("\"quo\\\"ted\"", "d")]
    [InlineData("100_", "")]
    [InlineData("northern", "b")] // a header's value
    [InlineData("header:Tenant=northern", "b")]
    [InlineData("header:tenant=NORTHERN", "b")]
    [InlineData("header:Tenant=north", "")]
    [InlineData("header:Tenan=northern", "")]
    [InlineData("header:Tenant=northern refused", "b")]
    [InlineData("header:Tenant=northern needle", "")]
    [InlineData("\" r\"", "a")] // too short for the index: the reason only
    [InlineData("ee", "")]
    [InlineData("nowhere", "")]
    [InlineData("needle OR refused", "")] // no language of the index
    public async Task Text_is_found_before_and_after_it_is_indexed(string query, string selected)
    {
        await AddAsync(
            Fault(Queue, "connection refused"),
            Fault(Queue, "refused", "System.B", header: ("Tenant", "northern"u8.ToArray())),
            Fault(Queue, "c", "System.C", body: "{\"message\":{\"x\":\"Needle Gr\\u00fc\\u00dfe\"}}"),
            Fault(Queue, "100% \"quo\"ted\"", "System.D", body: "{}"));

        (await SelectedAsync(query)).ShouldBe(selected, "before");
        (await Store.Indexer.IndexAsync(default)).ShouldBe(4);
        (await Store.Indexer.IndexAsync(default)).ShouldBe(0);
        (await SelectedAsync(query)).ShouldBe(selected, "after");
    }

    [Fact]
    public async Task Without_bodies_only_the_reason_is_searched_and_nothing_else_is_kept()
    {
        var letter = Fault(Queue, "reason", body: "{\"message\":\"needle\"}", header: ("Tenant", "northern"u8.ToArray()));
        var writer = new CatalogueWriter(Options with { Bodies = false }, Store.Commits, Time);
        await writer.AddAsync(Source, [letter.Copy()], default);
        await IndexAsync();

        (await IdsAsync("reason")).ShouldBe([letter.Id]);
        (await IdsAsync("needle")).ShouldBeEmpty();
        (await IdsAsync("northern")).ShouldBeEmpty();
        (await Reader.FindAsync(Source, Queue, letter.Id, default)).ShouldNotBeNull().Letter.ShouldBeNull();
    }

    [Fact]
    public async Task Letter_with_a_body_over_the_limit_is_listed_without_its_contents()
    {
        var (fits, exceeds) = (Fault(Queue, "fits", body: new string('x', Options.LargestBody)), Fault(Queue, "exceeds", body: new string('x', Options.LargestBody + 1)));
        await AddAsync(fits, exceeds);

        (await Reader.FindAsync(Source, Queue, fits.Id, default)).ShouldNotBeNull().Letter.ShouldNotBeNull().Body.Length.ShouldBe(Options.LargestBody);
        (await Reader.FindAsync(Source, Queue, exceeds.Id, default)).ShouldNotBeNull().ShouldSatisfyAllConditions(it => it.Letter.ShouldBeNull(), it => it.Entry.Size.ShouldBe(Options.LargestBody + 1));
    }

    [Fact]
    public async Task Page_has_the_newest_failures_first_and_the_count_of_all()
    {
        await AddAsync([.. Enumerable.Range(0, 25).Select(i => Fault(Queue, $"{i}", at: Noon.AddMinutes(-i)))]);

        var page = await Reader.LettersAsync(CatalogueQuery.All, 10, 5, default);

        page.Matching.ShouldBe(25);
        page.Letters.Select(letter => letter.Reason).ShouldBe(["10", "11", "12", "13", "14"]);
        (await Reader.LettersAsync(CatalogueQuery.All, 25, 5, default)).ShouldSatisfyAllConditions(it => it.Letters.ShouldBeEmpty(), it => it.Matching.ShouldBe(25));
    }

    [Fact]
    public async Task Ids_of_a_queue_are_in_the_order_of_their_failures()
    {
        var letters = Enumerable.Range(0, 5).Select(i => Fault(Queue, $"{i}", at: Noon.AddMinutes(i))).ToArray();
        await AddAsync([letters[3], letters[0], letters[4], letters[1], letters[2], Fault("payments_error", "0"), Fault(Queue, "x", "System.Other")]);

        (await Reader.IdsAsync(CatalogueQuery.Parse("exception:Timeout"), Source, Queue, default)).ShouldBe(letters.Select(letter => letter.Id));
    }

    [Fact]
    public async Task History_of_a_message_has_its_failures_in_all_queues_whatever_became_of_them()
    {
        var id = Guid.NewGuid();
        var (first, second) = (Fault(Queue, "first", at: Noon.AddHours(-2), id: id.ToString()), Fault("payments_error", "second", at: Noon, id: id.ToString()));
        await AddAsync(second, first, Fault(Queue, "other", id: Guid.NewGuid().ToString()));
        await MoveAsync(first);

        var history = await Reader.HistoryAsync(Source, id.ToString("N"), default);

        history.Select(it => (it.Reason, it.State)).ShouldBe([("first", LetterState.Replayed), ("second", LetterState.There)]);
        (await Reader.HistoryAsync("other", id.ToString(), default)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("{id}-0")]
    [InlineData("{id}-1")]
    [InlineData("{id}-2")]
    [InlineData("{id}x")]
    [InlineData("{id}-99999999999999999999")]
    public async Task Unknown_id_finds_nothing(string id)
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);

        (await Reader.FindAsync(Source, Queue, id.Replace("{id}", letter.Id, StringComparison.Ordinal), default)).ShouldBeNull();
    }

    public static TheoryData<string, DeadLetter> StrangeLetters
    {
        get
        {
            var table = new Dictionary<string, object?>
            {
                ["text"] = "plain"u8.ToArray(),
                ["bytes"] = new byte[] { 0, 255, 254, 10, 13 },
                ["binary"] = new BinaryTableValue([0, 1, 2]),
                ["null"] = null,
                ["yes"] = true,
                ["int8"] = (sbyte)-1,
                ["uint8"] = (byte)200,
                ["int16"] = short.MinValue,
                ["uint16"] = ushort.MaxValue,
                ["int32"] = int.MinValue,
                ["uint32"] = uint.MaxValue,
                ["int64"] = long.MinValue,
                ["float"] = 0.1f,
                ["double"] = double.Epsilon,
                ["decimal"] = -0.00m,
                ["time"] = new AmqpTimestamp(long.MaxValue),
                ["empty text"] = Array.Empty<byte>(),
                ["empty table"] = new Dictionary<string, object?>(),
                ["empty list"] = new List<object?>(),
                ["list"] = new List<object?> { 1L, null, "x"u8.ToArray(), new List<object?>(), new Dictionary<string, object?> { [""] = null } },
                [""] = "no name"u8.ToArray(),
                ["zero\0"] = "a\0b"u8.ToArray(),
                ["line\nbreak"] = "a\r\nb"u8.ToArray(),
                ["emoji"] = "\ud83d\ude00"u8.ToArray(),
            };
            var every = new BasicProperties
            {
                MessageId = "",
                ContentType = "text/plain",
                CorrelationId = "c",
                ContentEncoding = "e",
                DeliveryMode = DeliveryModes.Persistent,
                Priority = 9,
                Expiration = "60000",
                ReplyTo = "r",
                Timestamp = new AmqpTimestamp(1),
                Type = "t",
                UserId = "u",
                AppId = "a",
                ClusterId = "k",
                Headers = table,
            };
            var deep = Enumerable.Range(0, 250).Aggregate((object?)1L, (inner, _) => new Dictionary<string, object?> { ["in"] = inner });
            byte[] bytes = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];
            return new TheoryData<string, DeadLetter>
            {
                { "all headers and properties", Letter(Queue, every, bytes) },
                { "nothing", Letter(Queue, new BasicProperties(), []) },
                { "third of three", Letter(Queue, new BasicProperties { MessageId = "m" }, bytes, twin: 2) },
                { "body of line ends", Letter(Queue, new BasicProperties(), "\n\n\n"u8.ToArray()) },
                { "JSON of 20,000 levels", Letter(Queue, new BasicProperties { ContentType = "application/json" }, Encoding.UTF8.GetBytes(new string('[', 20_000) + new string(']', 20_000))) },
                { "envelope of 20,000 levels", Fault(Queue, "deep", body: "{\"messageType\":[\"urn:message:A:B\"],\"message\":{\"a\":" + new string('[', 20_000) + new string(']', 20_000) + "}}") },
                { "half a surrogate pair in the type", Fault(Queue, "half", body: "{\"messageType\":[\"urn:message:A:\\ud83d\"],\"message\":{}}") },
                { "zero in the reason", Fault(Queue, "a\0b") },
                { "reason of 50,000 characters", Fault(Queue, new string('ä', 50_000), body: "{}") },
                { "headers of 250 levels", Letter(Queue, new BasicProperties { Headers = (Dictionary<string, object?>)deep! }, bytes) },
                { "5,000 headers", Letter(Queue, new BasicProperties { Headers = Enumerable.Range(0, 5000).ToDictionary(i => $"h{i}", i => (object?)(long)i) }, bytes) },
                { "failed in the year 1", Fault(Queue, "old", at: DateTimeOffset.MinValue) },
                { "failed in the year 9999", Fault(Queue, "future", at: DateTimeOffset.MaxValue) },
            };
        }
    }

    [Theory]
    [MemberData(nameof(StrangeLetters), DisableDiscoveryEnumeration = true)]
    public async Task Strange_letter_is_kept_exactly(string description, DeadLetter letter)
    {
        var walk = await Writer.BeginWalkAsync(Source, Queue, default);
        await Writer.AddWalkedAsync(Source, Queue, walk, [letter], default);
        await IndexAsync();

        var found = (await Reader.FindAsync(Source, Queue, letter.Id, default)).ShouldNotBeNull(description);

        found.Entry.Id.ShouldBe(letter.Id);
        var read = found.Letter.ShouldNotBeNull(description);
        read.Id.ShouldBe(letter.Id);
        read.Hash.ShouldBe(letter.Hash);
        DeadLetterJson.HashOf(read.Properties, read.Body.Span).ShouldBe(letter.Hash);
        read.Cause.ShouldBe(letter.Cause);
        read.Queue.ShouldBe(letter.Queue);
        read.Body.ToArray().ShouldBe(letter.Body.ToArray());
        Head(read).ShouldBe(Head(letter));
        (await Reader.BoardAsync(CatalogueQuery.All, default)).Letters.ShouldBe(1);
    }

    [Fact]
    public async Task Letter_whose_headers_are_nested_too_deeply_is_listed_without_its_contents()
    {
        var deep = Enumerable.Range(0, 700).Aggregate((object?)1L, (inner, _) => new Dictionary<string, object?> { ["in"] = inner });
        var letter = Letter(Queue, new BasicProperties { Headers = (Dictionary<string, object?>)deep! }, []);
        await AddAsync(letter);
        await IndexAsync();

        (await Reader.FindAsync(Source, Queue, letter.Id, default)).ShouldNotBeNull().Letter.ShouldBeNull();
    }

    // Every property and header with its type.
    private static string Head(DeadLetter letter)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            DeadLetterJson.WriteHead(letter.Properties, writer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private async Task<string> SelectedAsync(string query)
    {
        var page = await Reader.LettersAsync(CatalogueQuery.Parse(query), 0, 100, default);
        page.Matching.ShouldBe(page.Letters.Count);
        // The first three letters of the tests are named a, b, c by their reasons or by their exceptions.
        return string.Join(' ', page.Letters.Select(Name).Order(StringComparer.Ordinal));
    }

    private static string Name(CatalogueLetter letter) => letter.Reason.Length == 1 ? letter.Reason
        : letter.ExceptionType is ['S', 'y', 's', 't', 'e', 'm', '.', var name] ? char.ToLowerInvariant(name).ToString() : "a";
}
