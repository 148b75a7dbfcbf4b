using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The catalogue follows dead-letter queues that applications fill, and that others empty.</summary>
public sealed class CatalogueFeedTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Letters_that_are_there_already_are_read_and_new_ones_arrive_as_copies_without_a_read(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        await orders.PutFaultsAsync(50);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await fed.SeeAgreesAsync(Orders.Error, 50);
        var walked = (await fed.RowAsync(Orders.Error))!.WalkedAt;

        await FailAsync(orders, 30);

        await fed.SeeAgreesAsync(Orders.Error, 80);
        (await fed.RowAsync(Orders.Error))!.WalkedAt.ShouldBe(walked);
    }

    [Fact]
    public async Task Queue_that_is_declared_later_is_fed_within_10_seconds()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options, usesDefaultInterval: true);
        await fed.SeeFedAsync(Orders.Error);

        await orders.DeclareAsync("bills_error", []);
        await fed.SeeFedAsync("bills_error"); // waits 10 s at most

        await FailAsync(orders, 3, "bills_error");
        await fed.SeeAgreesAsync("bills_error", 3);
    }

    [Fact]
    public async Task Purged_queue_is_empty_in_the_catalogue_and_its_letters_are_gone()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await FailAsync(orders, 20);
        await fed.SeeAgreesAsync(Orders.Error, 20);
        await fed.SeeSeenAsync(20);

        await orders.Channel.QueuePurgeAsync(Orders.Error);

        await fed.SeeAgreesAsync(Orders.Error, 0);
        (await fed.Store.Reader.LettersAsync(CatalogueQuery.All with { State = LetterState.Gone }, 0, 100, _none)).Matching.ShouldBe(20);
    }

    [Fact]
    public async Task Letters_that_another_tool_moved_out_or_in_are_found_by_their_number()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await FailAsync(orders, 20);
        await fed.SeeAgreesAsync(Orders.Error, 20);

        for (var i = 0; i < 7; i++) // as a shovel takes them
            (await orders.Channel.BasicGetAsync(Orders.Error, autoAck: true)).ShouldNotBeNull();
        await fed.SeeAgreesAsync(Orders.Error, 13);

        for (var i = 0; i < 4; i++) // to the queue itself, past its exchange
            await orders.PutAsync(Orders.Faulted(Guid.CreateVersion7()), Orders.Envelope(Guid.CreateVersion7(), "{}"));
        await fed.SeeAgreesAsync(Orders.Error, 17);
    }

    [Fact]
    public async Task Deleted_queue_leaves_the_catalogue_and_its_letters_are_gone()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await FailAsync(orders, 5);
        await fed.SeeAgreesAsync(Orders.Error, 5);
        await fed.SeeSeenAsync(5);

        await orders.Channel.QueueDeleteAsync(Orders.Error);

        await fed.SeeRowAsync(Orders.Error, row => row is null, "is not listed");
        (await fed.Store.Reader.LettersAsync(CatalogueQuery.All with { State = LetterState.Gone }, 0, 100, _none)).Matching.ShouldBe(5);
        await Eventually.SeeAsync(() => FeedBindingsAsync(orders), bindings => bindings.Count == 0, "the feed is bound to nothing");
    }

    [Theory]
    [InlineData("purged")]
    [InlineData("deleted")]
    public async Task Feed_that_is_purged_or_deleted_while_letters_arrive_loses_none_of_them(string what)
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await fed.StopAsync();
        await FailAsync(orders, 20);
        if (what == "purged")
            await orders.Channel.QueuePurgeAsync(CatalogueOptions.FeedQueue);
        else
            await orders.Channel.QueueDeleteAsync(CatalogueOptions.FeedQueue);
        await FailAsync(orders, 5);

        await using var again = await fed.StartAnotherAsync();
        await again.SeeAgreesAsync(Orders.Error, 25);
        if (what == "deleted")
        {
            await orders.Channel.QueueDeleteAsync(CatalogueOptions.FeedQueue); // also while it is consumed
            await FailAsync(orders, 5);
            await again.SeeAgreesAsync(Orders.Error, 30);
            await FailAsync(orders, 5);
            await again.SeeAgreesAsync(Orders.Error, 35);
        }
    }

    [Fact]
    public async Task Identical_letters_have_the_numbers_that_a_reader_of_the_queue_gives_them()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        var id = Guid.CreateVersion7();
        for (var i = 0; i < 3; i++)
            await orders.Channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(id), Orders.Envelope(id, "{}"));
        await fed.SeeAgreesAsync(Orders.Error, 3);
        (await fed.IdsAsync(Orders.Error)).Count(letter => letter.EndsWith("-3", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Strange_messages_and_large_ones_do_not_stop_the_feed()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        async Task PublishAsync(BasicProperties properties, byte[] body) => await orders.Channel.BasicPublishAsync(Orders.Error, "", mandatory: true, properties, body);
        await PublishAsync(new BasicProperties(), []);
        await PublishAsync(new BasicProperties { Type = FeedNotice.MessageType }, "{ not a notice"u8.ToArray());
        await PublishAsync(new BasicProperties { Headers = new Dictionary<string, object?> { ["odd"] = new List<object?> { null, new Dictionary<string, object?>() }, ["nul"] = "a\0b" } }, [0, 255, 0, 254]);
        await PublishAsync(new BasicProperties { Headers = Enumerable.Range(0, 5000).ToDictionary(i => $"h{i}", i => (object?)i) }, "{}"u8.ToArray());
        await PublishAsync(Orders.Faulted(null), System.Text.Encoding.UTF8.GetBytes(new string('[', 20_000) + new string(']', 20_000)));
        for (var i = 0; i < 4; i++)
            await PublishAsync(Orders.Faulted(Guid.CreateVersion7()), new byte[12_000_000]);
        await orders.Channel.BasicPublishAsync("", CatalogueOptions.FeedQueue, mandatory: true, new BasicProperties { Type = FeedNotice.MessageType }, "{}"u8.ToArray());
        await orders.Channel.BasicPublishAsync("", CatalogueOptions.FeedQueue, mandatory: true, new BasicProperties { Type = FeedNotice.MessageType }, """{"version":1,"operation":"x","verb":"replay","queue":"orders_error","ids":["no id"],"by":"x","at":"2026-01-01T00:00:00Z"}"""u8.ToArray());
        await FailAsync(orders, 2);

        await fed.SeeAgreesAsync(Orders.Error, 11, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task Host_that_is_killed_before_its_ack_adds_no_letter_twice()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        for (var round = 1; round <= 5; round++)
        {
            var failing = FailAsync(orders, 200);
            await Task.Delay(40 * round);
            await fed.StopAsync(); // drops what is not acked
            await failing;
            await using var next = await fed.StartAnotherAsync();
            await next.SeeAgreesAsync(Orders.Error, 200 * round);
            await next.StopAsync();
        }
    }

    [Fact]
    public async Task Looking_at_the_catalogue_takes_no_message_from_a_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(20);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await fed.SeeAgreesAsync(Orders.Error, 20);
        await Task.Delay(TimeSpan.FromSeconds(6)); // the broker's figures are 5 s old
        var before = await DeliveredAsync(orders);
        before.ShouldBeGreaterThan(0);

        foreach (var id in await fed.IdsAsync(Orders.Error))
        {
            (await fed.Store.Reader.FindAsync("test", Orders.Error, id, _none))!.Letter.ShouldNotBeNull();
            await fed.Store.Reader.BoardAsync(CatalogueQuery.All, _none);
            await fed.Store.Reader.LettersAsync(CatalogueQuery.All with { Text = "shop" }, 0, 50, _none);
        }
        await Task.Delay(TimeSpan.FromSeconds(6));
        (await DeliveredAsync(orders)).ShouldBe(before);
    }

    internal static async Task FailAsync(Orders orders, int count, string exchange = Orders.Error)
    {
        for (var i = 0; i < count; i++)
        {
            var id = Guid.CreateVersion7();
            await orders.Channel.BasicPublishAsync(exchange, "", mandatory: true, Orders.Faulted(id, second: i), Orders.Envelope(id, $$"""{ "number": {{i}} }"""));
        }
    }

    internal static async Task<IReadOnlyList<string>> FeedBindingsAsync(Orders orders) =>
        [.. (await orders.VirtualHost.ManagementAsync("bindings/{vhost}")).EnumerateArray()
            .Where(binding => binding.GetProperty("destination").GetString() == CatalogueOptions.FeedQueue && binding.GetProperty("source").GetString() is { Length: > 0 })
            .Select(binding => $"{binding.GetProperty("source").GetString()} {binding.GetProperty("routing_key").GetString()}").Order(StringComparer.Ordinal)];

    private static async Task<long> DeliveredAsync(Orders orders) =>
        (await orders.VirtualHost.ManagementAsync($"queues/{{vhost}}/{Orders.Error}")).TryGetProperty("message_stats", out var stats)
            ? new[] { "deliver_get", "redeliver" }.Sum(name => stats.TryGetProperty(name, out var count) ? count.GetInt64() : 0)
            : 0;
}
