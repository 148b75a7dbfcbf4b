using System.Diagnostics;
using MassTransit;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>
/// Somebody deletes a dead-letter queue and leaves its exchange. Then a message that fails reaches the feed only, and the application takes it for
/// delivered: the catalogue must keep it, and put it back once.
/// </summary>
public sealed class MissingQueueTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Messages_that_fail_in_MassTransit_while_their_queue_is_deleted_are_put_back_when_it_is_declared_again()
    {
        await using var orders = await Orders.CreateAsync();
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(orders.VirtualHost.ConnectionString("operator")));
            rabbit.ReceiveEndpoint("prices", endpoint => endpoint.Handler<FailingOrder>(_ => throw new NotSupportedException("no price")));
        });
        await bus.StartAsync(_none);
        try
        {
            await bus.Publish(new FailingOrder(0), _none);
            await orders.SeeAsync("prices_error", 1);
            await using var fed = await FedCatalogue.StartAsync(orders.Options, usesDefaultInterval: true);
            await fed.SeeAgreesAsync("prices_error", 1);

            await fed.SeeCheckAsync();
            await orders.Channel.QueueDeleteAsync("prices_error");
            for (var number = 1; number <= 5; number++)
                await bus.Publish(new FailingOrder(number), _none);
            await fed.SeeInStateAsync(LetterState.Kept, 5);
            (await orders.VirtualHost.ReadyAsync("prices")).ShouldBe(0); // the application took them for delivered
            await fed.SeeRowAsync("prices_error", row => row is { IsMissing: true, Kept: 5 }, "is listed as missing, with the messages that are kept");
            await Eventually.SeeAsync(() => CatalogueFeedTests.FeedBindingsAsync(orders), bindings => !bindings.Contains("prices_error "), "the feed is not bound to its exchange", TimeSpan.FromSeconds(10));

            // The publish of the next ones is returned: MassTransit declares the queue again, and tries once more.
            for (var number = 6; number <= 7; number++)
                await bus.Publish(new FailingOrder(number), _none);
            await orders.SeeAsync("prices_error", 7);
            await fed.SeeAgreesAsync("prices_error", 7);
            (await fed.InStateAsync(LetterState.Kept)).ShouldBeEmpty();
            var entry = (await fed.AuditAsync("prices_error")).Single();
            (entry.Verb, entry.By, entry.Selected, entry.Done, entry.Refused, entry.Problem).ShouldBe(("put back", "The catalogue", 5, 5, 0, ""));
            var letters = await orders.VirtualHost.TakeAllAsync("prices_error");
            letters.Select(letter => letter.BasicProperties.MessageId).Distinct().Count().ShouldBe(7);
            letters.ShouldAllBe(letter => Orders.Header(letter, "MT-Fault-Message") == "no price");
        }
        finally
        {
            await bus.StopAsync(_none);
        }
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Letter_of_200_KB_with_headers_of_all_types_is_put_back_byte_for_byte(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        await using var fed = await FedCatalogue.StartAsync(orders.Options, usesDefaultInterval: true);
        await fed.SeeFedAsync(Orders.Error);
        var properties = Orders.Faulted(Guid.CreateVersion7());
        foreach (var (name, value) in new (string, object?)[] { ("long", 1L), ("int", 1), ("short", (short)1), ("byte", (byte)1), ("bool", true), ("double", 0.1), ("float", 0.1f), ("bytes", new byte[] { 0, 255, 10 }), ("none", null), ("time", new AmqpTimestamp(5)), ("list", new List<object?> { 1, "a", null }), ("table", new Dictionary<string, object?> { ["x"] = 2.5m }) })
            properties.Headers![name] = value;
        (properties.Priority, properties.Type, properties.AppId, properties.Timestamp) = (7, "t", "shop", new AmqpTimestamp(99));
        var body = new byte[200_000];
        new Random(1).NextBytes(body);
        await orders.PutAsync(properties, body);
        await orders.SeeAsync(Orders.Error, 1);
        var expected = Wire((await orders.VirtualHost.TakeAllAsync(Orders.Error)).Single());

        await fed.SeeAgreesAsync(Orders.Error, 0);
        await fed.SeeCheckAsync();
        await orders.Channel.QueueDeleteAsync(Orders.Error);
        await orders.Channel.BasicPublishAsync(Orders.Error, "", mandatory: true, properties, body);
        await fed.SeeInStateAsync(LetterState.Kept, 1);
        (await fed.Store.Reader.FindAsync("test", Orders.Error, (await fed.InStateAsync(LetterState.Kept)).Single().Id, _none))!.Letter!.Body.ToArray().ShouldBe(body);
        await orders.DeclareAsync(Orders.Error, new Dictionary<string, object?> { ["x-queue-type"] = type });

        await orders.SeeAsync(Orders.Error, 1);
        await fed.SeeAgreesAsync(Orders.Error, 1);
        await Eventually.SeeAsync(() => Task.FromResult(WholeCount(fed)), count => count == 0, "the complete contents are deleted when the queue has the letter", TimeSpan.FromSeconds(20));
        Wire((await orders.VirtualHost.TakeAllAsync(Orders.Error)).Single()).ShouldBe(expected);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Letter_that_was_being_put_back_when_the_host_died_is_in_its_queue_once(bool wasPublished)
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await KeepAsync(orders, 3, new BasicProperties { Headers = new Dictionary<string, object?> { ["CC"] = new List<object?> { "elsewhere" } } });
        await fed.StopAsync();
        var letters = await fed.Store.Reader.KeptAsync(statements => KeptReading.Next(statements, "test", Orders.Error, null, 0), _none);
        var moved = letters.Select(kept => (kept.Key, Properties: MovedProperties.Of(kept.Letter!, _ => true), Body: kept.Letter!.Body.ToArray())).ToList();
        await fed.Store.Kept.BeginAsync("test", Orders.Error, "an operation", [.. moved.Select(one => (one.Key, DeadLetterJson.HashOf(one.Properties, one.Body)))], _none);
        await orders.DeclareAsync(Orders.Error, []);
        if (wasPublished)
            await orders.PutAsync(moved[1].Properties, moved[1].Body);

        await using var again = await fed.StartAnotherAsync();
        await again.SeeAgreesAsync(Orders.Error, 3);
        (await again.InStateAsync(LetterState.Kept)).ShouldBeEmpty();
        (await MessageIdsAsync(orders)).Count.ShouldBe(3);
    }

    [Fact]
    public async Task All_of_3000_copies_that_wait_in_the_feed_are_kept_and_put_back_once()
    {
        const int letters = 3000;
        await using var orders = await Orders.CreateAsync();
        await using var fed = await KeepAsync(orders, letters);
        await orders.DeclareAsync(Orders.Error, []);

        await fed.SeeAgreesAsync(Orders.Error, letters, TimeSpan.FromSeconds(60));
        var ids = await MessageIdsAsync(orders);
        (ids.Count, ids.Distinct().Count()).ShouldBe((letters, letters));
    }

    [Fact]
    public async Task Letters_that_another_tool_purged_are_not_put_back()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 20);
        await fed.SeeAgreesAsync(Orders.Error, 20);
        await fed.SeeSeenAsync(20);
        await orders.Channel.QueuePurgeAsync(Orders.Error);
        await fed.SeeInStateAsync(LetterState.Gone, 20);

        await CatalogueFeedTests.FailAsync(orders, 5);
        await orders.Channel.QueuePurgeAsync(Orders.Error); // before the counts agreed: nobody has seen them there
        await Eventually.SeeAsync(async () => (await fed.InStateAsync(LetterState.Unseen)).Count + (await fed.InStateAsync(LetterState.Gone)).Count, count => count == 25, "all are gone", TimeSpan.FromSeconds(20));

        await orders.Channel.QueueDeleteAsync(Orders.Error);
        await fed.SeeRowAsync(Orders.Error, row => row is null, "is not listed");
        await orders.DeclareAsync(Orders.Error, []);
        await fed.SeeAgreesAsync(Orders.Error, 0);
        await Task.Delay(TimeSpan.FromSeconds(2)); // ten checks
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(0);
        (await fed.InStateAsync(LetterState.Kept)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Letters_that_failed_before_their_queue_was_declared_again_unnoticed_are_put_back_if_an_operator_says_so()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 10);
        await fed.SeeAgreesAsync(Orders.Error, 10);
        await fed.SeeSeenAsync(10);
        await fed.StopAsync();
        await orders.Channel.QueueDeleteAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 3);
        await orders.DeclareAsync(Orders.Error, []);
        await CatalogueFeedTests.FailAsync(orders, 2);

        await using var again = await fed.StartAnotherAsync();
        await again.SeeAgreesAsync(Orders.Error, 2);
        (await again.InStateAsync(LetterState.Gone)).Count.ShouldBe(10);
        var unseen = await again.InStateAsync(LetterState.Unseen);
        unseen.Count.ShouldBe(3);

        (await again.Store.Kept.RequestAsync("test", Orders.Error, [.. unseen.Take(2).Select(letter => letter.Id)], "jane", _none)).ShouldBe(2);
        await again.SeeAgreesAsync(Orders.Error, 4);
        (await again.InStateAsync(LetterState.Unseen)).Single().Id.ShouldBe(unseen[2].Id);
        (await again.AuditAsync(Orders.Error)).Single().ShouldSatisfyAllConditions(entry => entry.Verb.ShouldBe("put back"), entry => entry.By.ShouldBe("jane"), entry => entry.Done.ShouldBe(2));
    }

    [Fact]
    public async Task Copies_of_a_queue_that_was_deleted_while_no_host_ran_are_attributed_to_it_by_the_bindings_that_it_had()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.ExchangeDeclareAsync("failures", ExchangeType.Direct, durable: true);
        await orders.Channel.QueueDeclareAsync("billing_error", durable: true, exclusive: false, autoDelete: false);
        await orders.Channel.QueueBindAsync("billing_error", "failures", "billing");
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync("billing_error");
        await fed.StopAsync();
        await orders.Channel.QueueDeleteAsync("billing_error");
        for (var i = 0; i < 4; i++)
            await orders.Channel.BasicPublishAsync("failures", "billing", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), Orders.Envelope(Guid.CreateVersion7(), "{}"));

        await using var again = await fed.StartAnotherAsync();
        await again.SeeInStateAsync(LetterState.Kept, 4);
        (await again.InStateAsync(LetterState.Kept)).ShouldAllBe(letter => letter.Queue == "billing_error");
        await Eventually.SeeAsync(() => CatalogueFeedTests.FeedBindingsAsync(orders), bindings => !bindings.Contains("failures billing"), "the feed is not bound to the exchange");
        await orders.Channel.QueueDeclareAsync("billing_error", durable: true, exclusive: false, autoDelete: false); // without its binding
        await orders.SeeAsync("billing_error", 4);
        await again.SeeAgreesAsync("billing_error", 4);
    }

    [Fact]
    public async Task Queue_that_refuses_letters_keeps_them_in_the_catalogue_until_it_accepts_them()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await KeepAsync(orders, 3);
        await orders.DeclareAsync(Orders.Error, new Dictionary<string, object?> { ["x-max-length"] = 1, ["x-overflow"] = "reject-publish" });

        await fed.SeeRowAsync(Orders.Error, row => row is { Kept: 2, Messages: 1 } && row.Problem.Contains("the broker refused it", StringComparison.Ordinal), "says why two are kept", TimeSpan.FromSeconds(20));
        await fed.SeeInStateAsync(LetterState.Kept, 2);
    }

    [Fact]
    public async Task Last_host_that_stops_removes_the_bindings_and_the_next_start_reads_only_queues_that_have_changed()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("bills_error", []);
        for (var i = 0; i < 50; i++)
            await orders.DeclareAsync($"more{i}_error", []);
        await using var fed = await FedCatalogue.StartAsync(orders.Options, unbindsAtStop: true);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 10);
        await CatalogueFeedTests.FailAsync(orders, 4, "bills_error");
        await fed.SeeAgreesAsync(Orders.Error, 10);
        await fed.SeeAgreesAsync("bills_error", 4);
        var (orderWalk, billWalk) = ((await fed.RowAsync(Orders.Error))!.WalkedAt, (await fed.RowAsync("bills_error"))!.WalkedAt);
        await fed.SeeCheckAsync();

        var stopping = Stopwatch.StartNew();
        await fed.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"stopped within {stopping.ElapsedMilliseconds} ms");
        (await CatalogueFeedTests.FeedBindingsAsync(orders)).ShouldBeEmpty();
        await CatalogueFeedTests.FailAsync(orders, 3, "bills_error");

        await using var again = await fed.StartAnotherAsync();
        await again.SeeFedAsync(Orders.Error);
        await again.SeeAgreesAsync("bills_error", 7);
        (await again.RowAsync(Orders.Error))!.WalkedAt.ShouldBe(orderWalk);
        (await again.RowAsync("bills_error"))!.WalkedAt.ShouldNotBe(billWalk);
    }

    [Fact]
    public async Task Host_that_stops_leaves_the_bindings_to_another_one_that_waits()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options, unbindsAtStop: true);
        await fed.SeeFedAsync(Orders.Error);
        var walked = (await fed.RowAsync(Orders.Error))!.WalkedAt;
        await using var other = await fed.StartAnotherAsync();
        await Eventually.SeeAsync(() => Task.FromResult(other.Logged.Count), lines => lines > 0, "the other host is on standby");
        await Task.Delay(300);

        await fed.StopAsync();
        (await CatalogueFeedTests.FeedBindingsAsync(orders)).ShouldNotBeEmpty();
        await Eventually.SeeAsync(() => Task.FromResult(other.Feed.IsActive), active => active, "the other host feeds the catalogue", TimeSpan.FromSeconds(5));
        await CatalogueFeedTests.FailAsync(orders, 5);
        await other.SeeAgreesAsync(Orders.Error, 5);
        (await other.RowAsync(Orders.Error))!.WalkedAt.ShouldBe(walked);

        await other.StopAsync();
        (await CatalogueFeedTests.FeedBindingsAsync(orders)).ShouldBeEmpty();
    }

    // A catalogue that has letters whose queue is missing, and nothing else.
    private static async Task<FedCatalogue> KeepAsync(Orders orders, int letters, BasicProperties? more = null)
    {
        var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await fed.StopAsync();
        await orders.Channel.QueueDeleteAsync(Orders.Error);
        for (var i = 0; i < letters; i++)
        {
            var (id, properties) = (Guid.CreateVersion7(), Orders.Faulted(null, second: i));
            properties.MessageId = id.ToString();
            foreach (var (name, value) in more?.Headers ?? new Dictionary<string, object?>())
                properties.Headers![name] = value;
            await orders.Channel.BasicPublishAsync(Orders.Error, "", mandatory: true, properties, Orders.Envelope(id, "{}"));
        }
        await orders.SeeAsync("dead-letters.feed", letters); // a host that starts removes the binding: later messages are returned to their publisher
        await using (fed)
        {
            var again = await fed.StartAnotherAsync();
            await again.SeeInStateAsync(LetterState.Kept, letters);
            return again;
        }
    }

    private static async Task<IReadOnlyList<string?>> MessageIdsAsync(Orders orders) => [.. (await orders.VirtualHost.TakeAllAsync(Orders.Error)).Select(letter => letter.BasicProperties.MessageId)];

    private static long WholeCount(FedCatalogue fed) => fed.Options.Database.Read(statements => statements.Scalar<long>("SELECT count(*) FROM catalogue_whole"));

    private static string Wire(BasicGetResult message)
    {
        var properties = new BasicProperties(message.BasicProperties);
        properties.Headers = properties.Headers!.Where(header => !WorkinIt.DeadLetters.Headers.IsCount(header.Key)).ToDictionary(); // a quorum queue counts reads
        var letter = new DeadLetter("", 0, 0, properties, message.Body.ToArray(), 0);
        using var stream = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(stream))
            DeadLetterJson.WriteHead(letter.Properties, writer);
        return $"{System.Text.Encoding.UTF8.GetString(stream.ToArray())} {Convert.ToBase64String(letter.Body.Span)}";
    }
}

/// <summary>A message whose consumer fails.</summary>
public sealed record FailingOrder(int Number);
