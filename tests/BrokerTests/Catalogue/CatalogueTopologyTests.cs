using System.Net.Http.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Which queues the feed finds, what it binds, and to which queue it adds a copy.</summary>
public sealed class CatalogueTopologyTests
{
    [Fact]
    public async Task Messages_dead_lettered_by_their_routing_key_are_added_to_the_queue_that_got_them()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.ExchangeDeclareAsync("dlx", ExchangeType.Direct, durable: true);
        await DeclareAsync(orders, "a_dead-letters", ("dlx", "a"));
        await DeclareAsync(orders, "b_dead-letters", ("dlx", "b"), ("dlx", "both"));
        await DeclareAsync(orders, "c_dead-letters", ("dlx", "both"));
        await DeclareAsync(orders, "no-dead-letters-here", ("dlx", "elsewhere"));
        await orders.Channel.QueueDeclareAsync("work", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-message-ttl"] = 1, ["x-dead-letter-exchange"] = "dlx" });
        foreach (var key in new[] { "a", "b", "both", "elsewhere" })
            await orders.Channel.QueueBindAsync("work", "amq.direct", key);
        await using var fed = await FedCatalogue.StartAsync(With(orders, "*_dead-letters"));
        foreach (var queue in new[] { "a_dead-letters", "b_dead-letters", "c_dead-letters" })
            await fed.SeeFedAsync(queue);

        foreach (var key in new[] { "a", "b", "b", "both", "elsewhere" })
            await PublishAsync(orders, "amq.direct", key);

        await SeeFromCopiesAsync(fed, ("a_dead-letters", 1), ("b_dead-letters", 3), ("c_dead-letters", 1));
        (await CatalogueFeedTests.FeedBindingsAsync(orders)).ShouldBe(["dlx a", "dlx b", "dlx both", "orders_error "]);
    }

    [Fact]
    public async Task Messages_of_topic_and_headers_exchanges_count_only_if_they_reach_the_dead_letter_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.ExchangeDeclareAsync("events", ExchangeType.Topic, durable: true);
        await orders.Channel.ExchangeDeclareAsync("tenants", ExchangeType.Headers, durable: true);
        await DeclareAsync(orders, "events_error", ("events", "*.failed.#"));
        await DeclareAsync(orders, "paid_error", ("events", "#.paid"));
        await DeclareAsync(orders, "work", ("events", "#"));
        await orders.DeclareAsync("tenants_error", []);
        await orders.Channel.QueueBindAsync("tenants_error", "tenants", "", new Dictionary<string, object?> { ["x-match"] = "all", ["Number"] = 42, ["Tenant"] = "blue" });
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        foreach (var queue in new[] { "events_error", "paid_error", "tenants_error" })
            await fed.SeeFedAsync(queue);

        foreach (var key in new[] { "order.failed", "order.failed.twice", "order", "failed", "order.failed.paid", "paid" })
            await PublishAsync(orders, "events", key);
        await PublishAsync(orders, "tenants", "");
        await orders.Channel.BasicPublishAsync("tenants", "", mandatory: false, new BasicProperties { Headers = new Dictionary<string, object?> { ["Tenant"] = "red" } }, "{}"u8.ToArray());

        await SeeFromCopiesAsync(fed, ("events_error", 3), ("paid_error", 2), ("tenants_error", 1));
    }

    [Fact]
    public async Task Messages_that_reach_the_queue_through_several_exchanges_are_added_once()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("bills_error", []);
        await orders.Channel.ExchangeDeclareAsync("first", ExchangeType.Topic, durable: true);
        await orders.Channel.ExchangeDeclareAsync("lost", ExchangeType.Fanout, durable: true);
        await orders.Channel.ExchangeDeclareAsync("strict", ExchangeType.Direct, durable: true, autoDelete: false, new Dictionary<string, object?> { ["alternate-exchange"] = "first" });
        await orders.Channel.ExchangeBindAsync(Orders.Error, "first", "order.*");
        await orders.Channel.ExchangeBindAsync("bills_error", "first", "*.due");
        await orders.Channel.ExchangeBindAsync("first", "bills_error", ""); // a loop
        await orders.Channel.QueueBindAsync(Orders.Error, "first", "order.#");
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await fed.SeeFedAsync("bills_error");

        await PublishAsync(orders, "first", "order.failed"); // orders
        await PublishAsync(orders, "first", "bill.due"); // bills
        await PublishAsync(orders, "first", "order.due"); // both
        await PublishAsync(orders, "first", "other"); // none
        await PublishAsync(orders, "strict", "order.late"); // orders, by the alternate exchange

        await SeeFromCopiesAsync(fed, (Orders.Error, 3), ("bills_error", 2));
    }

    [Fact]
    public async Task Queues_that_several_keys_of_a_CC_header_lead_to_get_a_letter_each()
    {
        await using var orders = await Orders.CreateAsync();
        await DeclareAsync(orders, "a_error", ("amq.direct", "a"));
        await DeclareAsync(orders, "b_error", ("amq.direct", "b"));
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync("a_error");
        await fed.SeeFedAsync("b_error");
        await orders.Channel.BasicPublishAsync("amq.direct", "a", mandatory: true, new BasicProperties { Headers = new Dictionary<string, object?> { ["CC"] = new List<object?> { "b" } } }, "{}"u8.ToArray());
        await SeeFromCopiesAsync(fed, ("a_error", 1), ("b_error", 1));
    }

    [Fact]
    public async Task Queue_that_no_exchange_leads_to_is_not_fed_and_read_when_its_number_of_messages_changes()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.QueueDeclareAsync("plain_error", durable: true, exclusive: false, autoDelete: false);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeRowAsync("plain_error", row => row is { IsFed: false, IsComplete: true }, "is complete and not fed");

        for (var i = 1; i <= 3; i++)
        {
            await orders.PutAsync(Orders.Faulted(Guid.CreateVersion7()), "{}"u8.ToArray(), "plain_error");
            await fed.SeeAgreesAsync("plain_error", i);
        }
        (await fed.RowAsync("plain_error"))!.Problem.ShouldContain("No exchange leads to this queue");
    }

    [Fact]
    public async Task Binding_that_leads_to_no_dead_letter_queue_any_more_is_removed_and_no_other_is_made()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.ExchangeDeclareAsync("work", ExchangeType.Fanout, durable: true);
        await DeclareAsync(orders, "work", ("work", ""));
        await orders.DeclareAsync("bills_error", []);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync("bills_error");
        (await CatalogueFeedTests.FeedBindingsAsync(orders)).ShouldBe(["bills_error ", "orders_error "]);

        await orders.Channel.QueueUnbindAsync("bills_error", "bills_error", "");

        await fed.SeeRowAsync("bills_error", row => row is { IsFed: false }, "is not fed");
        await Eventually.SeeAsync(() => CatalogueFeedTests.FeedBindingsAsync(orders), bindings => bindings is ["orders_error "], "one binding");
    }

    [Fact]
    public async Task Queue_whose_copies_would_be_ambiguous_is_not_fed_and_says_so()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.ExchangeDeclareAsync("tenants", ExchangeType.Headers, durable: true);
        foreach (var tenant in new[] { "blue", "red" })
        {
            await DeclareAsync(orders, $"{tenant}_error");
            await orders.Channel.QueueBindAsync($"{tenant}_error", "tenants", "", new Dictionary<string, object?> { ["x-match"] = "any", ["Tenant"] = tenant });
        }
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        foreach (var queue in new[] { "blue_error", "red_error" })
            (await fed.SeeRowAsync(queue, row => row is { IsFed: false, IsComplete: true }, "is complete and not fed"))!.Problem.ShouldContain("Exchange tenants leads to several dead-letter queues by headers");
        await PublishAsync(orders, "tenants", "");
        await fed.SeeAgreesAsync("blue_error", 1);
        await fed.SeeAgreesAsync("red_error", 0);
    }

    [Theory]
    [InlineData("^(dead-letters-lock:.*|.*_discarded)$", ".*", ".*", "lacks a permission")] // may not declare the feed
    [InlineData("^(dead-letters-lock:.*|dead-letters\\.feed)$", "^(amq\\.default|dead-letters-lock:.*|dead-letters\\.feed)$", "^(orders_error|dead-letters-lock:.*|dead-letters\\.feed)$", null)] // may not read exchange secret
    public async Task Queue_that_the_user_lacks_a_right_for_is_not_fed_and_the_others_are(string configure, string write, string read, string? problem)
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.ExchangeDeclareAsync("secret", ExchangeType.Fanout, durable: true);
        await DeclareAsync(orders, "secret_error", ("secret", ""));
        using var broker = TestBroker.FromEnvironment();
        var user = $"catalogue-{Guid.NewGuid():N}"[..20];
        await DeadLetterPages.AddUserAsync(broker, user, "monitoring");
        (await broker.Management.PutAsJsonAsync($"/api/permissions/{orders.VirtualHost.Name}/{user}", new { configure, write, read })).EnsureSuccessStatusCode();
        await using var fed = await FedCatalogue.StartAsync(DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString(user), broker.Management.BaseAddress!));

        if (problem is null)
        {
            await fed.SeeFedAsync(Orders.Error);
            var secret = await fed.SeeRowAsync("secret_error", row => row is { IsFed: false, Problem.Length: > 0 }, "is not fed");
            secret!.Problem.ShouldContain("lacks a permission");
            secret.Problem.ShouldContain("secret");
            await CatalogueFeedTests.FailAsync(orders, 2);
            await fed.SeeAgreesAsync(Orders.Error, 2);
        }
        else
        {
            (await fed.SeeRowAsync(Orders.Error, row => row is { IsFed: false, Problem.Length: > 0 }, "is not fed"))!.Problem.ShouldContain(problem);
            await CatalogueFeedTests.FailAsync(orders, 2);
            await fed.SeeAgreesAsync(Orders.Error, 2); // by reading
            (await broker.Management.PutAsJsonAsync($"/api/permissions/{orders.VirtualHost.Name}/{user}", new { configure = ".*", write, read })).EnsureSuccessStatusCode();
            await fed.SeeFedAsync(Orders.Error); // without a restart
        }
    }

    [Fact]
    public async Task Without_the_management_API_a_known_queue_says_why_it_is_not_fed()
    {
        await using var orders = await Orders.CreateAsync();
        var database = $"Data Source={Path.Combine(Path.GetTempPath(), $"workinit-catalogue-{Guid.NewGuid():N}.db")}";
        await using (var before = await FedCatalogue.StartAsync(orders.Options, database))
            await before.SeeFedAsync(Orders.Error);
        await using var fed = await FedCatalogue.StartAsync(orders.Options with { Management = new Uri($"http://127.0.0.1:{Ports.TakeFree()}") }, database);
        (await fed.SeeRowAsync(Orders.Error, row => row is { IsFed: false }, "is not fed"))!.Problem.ShouldContain("The management API is unreachable");
        fed.Logged.Count(line => line.Contains("management API", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Queue_where_reading_has_a_cost_is_fed_and_not_read_and_says_so()
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-delivery-limit"] = 6 });
        await orders.PutFaultsAsync(3);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        (await fed.SeeRowAsync(Orders.Error, row => row is { IsFed: true, Messages: 3 }, "is fed"))!.Problem.ShouldContain("delivery limit of 6");
        await CatalogueFeedTests.FailAsync(orders, 2);
        await fed.SeeRowAsync(Orders.Error, row => row is { Letters: 2, Messages: 5, IsComplete: false, WalkedAt: null }, "has the letters of the copies");
        (await orders.VirtualHost.TakeAllAsync(Orders.Error)).ShouldAllBe(letter => Orders.Header(letter, "x-delivery-count") == null || Orders.Header(letter, "x-delivery-count") == "0"); // none was read
    }

    [Fact]
    public async Task Feed_queue_with_other_arguments_is_used_and_one_that_rejects_messages_is_not_bound()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.QueueDeclareAsync(CatalogueOptions.FeedQueue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-max-length"] = 7 });
        await using (var fed = await FedCatalogue.StartAsync(orders.Options))
        {
            await fed.SeeFedAsync(Orders.Error);
            fed.Logged.ShouldContain(line => line.Contains("x-max-length is 7 instead of 100000", StringComparison.Ordinal));
        }
        await orders.Channel.QueueDeleteAsync(CatalogueOptions.FeedQueue);
        await orders.Channel.QueueDeclareAsync(CatalogueOptions.FeedQueue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-overflow"] = "reject-publish" });
        await orders.Channel.QueueBindAsync(CatalogueOptions.FeedQueue, Orders.Error, "");
        await using var refused = await FedCatalogue.StartAsync(orders.Options);
        (await refused.SeeRowAsync(Orders.Error, row => row is { IsFed: false, Problem.Length: > 0 }, "is not fed"))!.Problem.ShouldContain("reject-publish");
        await Eventually.SeeAsync(() => CatalogueFeedTests.FeedBindingsAsync(orders), bindings => bindings.Count == 0, "no binding");
    }

    private static DeadLetterOptions With(Orders orders, string patterns) => orders.Options with { Names = DeadLetterQueueNames.Parse(patterns) };

    private static async Task DeclareAsync(Orders orders, string queue, params (string Exchange, string Key)[] bindings)
    {
        await orders.Channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
        foreach (var (exchange, key) in bindings)
            await orders.Channel.QueueBindAsync(queue, exchange, key);
    }

    private static async Task PublishAsync(Orders orders, string exchange, string key)
    {
        var id = Guid.CreateVersion7();
        await orders.Channel.BasicPublishAsync(exchange, key, mandatory: false, Orders.Faulted(id), Orders.Envelope(id, "{}"));
    }

    // The walk at the start found empty queues, so all letters came as copies.
    private static async Task SeeFromCopiesAsync(FedCatalogue fed, params (string Queue, int Letters)[] expected)
    {
        var walked = new Dictionary<string, DateTimeOffset?>();
        foreach (var (queue, _) in expected)
            walked[queue] = (await fed.RowAsync(queue))!.WalkedAt;
        foreach (var (queue, letters) in expected)
            await fed.SeeAgreesAsync(queue, letters);
        foreach (var (queue, _) in expected)
            (await fed.RowAsync(queue))!.WalkedAt.ShouldBe(walked[queue], queue);
    }
}
