using System.Net;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>One host with two virtual hosts that have queues of the same names.</summary>
public sealed class SourceTests
{
    private const string Billing = "/dead-letters/sources/billing/queues/orders_error";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Acts_on_one_virtual_host_leave_the_queue_of_the_same_name_in_the_other_as_it_was(bool hasCatalogue)
    {
        await using var shop = await Orders.CreateAsync();
        await using var billing = await Orders.CreateAsync();
        await shop.DeclareAsync("copy", []);
        var ids = Enumerable.Range(0, 4).Select(_ => Guid.CreateVersion7()).ToList();
        foreach (var id in ids) // the same messages in both, byte for byte
        {
            await shop.PutAsync(Orders.Faulted(id), Orders.Envelope(id, """{ "item": "tea" }"""));
            await shop.PutAsync(Orders.Faulted(id), Orders.Envelope(id, """{ "item": "tea" }"""), "copy");
            await billing.PutAsync(Orders.Faulted(id), Orders.Envelope(id, """{ "item": "tea" }"""));
        }
        await using var site = await StartAsync(hasCatalogue, shop, billing);
        using var client = new PageClient(site.Address);
        if (hasCatalogue)
            await SeeBoardAsync(client, "Dead letters 8 ", "Queues not fully read 0 of 2");
        await client.GetAsync(Billing + "/letters");

        await RunAsync(client, await client.FollowAsync(Billing + "/replay", ("which", "filter"), ("id", ids[0].ToString())), "1 of 1 replayed");
        await RunAsync(client, await client.FollowAsync(Billing + "/discard", ("which", "filter"), ("id", ids[1].ToString())), "Discarded 1");
        await RunAsync(client, await client.FollowAsync($"{Billing}/letters/{await client.FirstIdOfAsync(Billing)}/edit/preview", ("message", """{ "item": "coffee" }""")), "1 of 1 replayed");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync(Billing + "/replay", ("which", "all")));
        dryRun.Text.ShouldContain("billing");
        dryRun.Link("/queues/").ShouldStartWith("/dead-letters/sources/billing/");
        await RunAsync(client, await client.FollowAsync(dryRun.Path + "/repair/preview", ("patch", """[{ "op": "add", "path": "/repaired", "value": true }]""")), "1 of 1 replayed");

        (await billing.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(0);
        (await billing.VirtualHost.ReadyAsync("orders_discarded")).ShouldBe(1);
        (await billing.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(3);
        if (hasCatalogue)
        {
            await SeeBoardAsync(client, "Dead letters 5 ", "Queues not fully read 0 of 3");
            (await client.GetAsync("/dead-letters/letters?q=source:shop%20state:any")).Text.ShouldContain("1 to 4 of 4");
            (await client.GetAsync("/dead-letters/letters?q=source:billing%20state:replayed")).Text.ShouldContain("1 to 3 of 3");
        }
        (await shop.VirtualHost.ReadyAsync("orders_discarded")).ShouldBe(-1);
        (await shop.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(0);
        Orders.ShouldBeSame(await shop.TakeAllAsync(Orders.Error), await shop.TakeAllAsync("copy"));
        var entries = await site.Audit.ReadAsync(null, 100, default);
        entries.Select(entry => (entry.Verb, entry.Source, entry.Queue)).ShouldBe(
            [("repair", "billing", Orders.Error), ("edit", "billing", Orders.Error), ("reveal", "billing", Orders.Error), ("discard", "billing", Orders.Error), ("replay", "billing", Orders.Error)]);
    }

    [Fact]
    public async Task List_of_queues_and_search_for_a_message_cover_both_virtual_hosts_without_a_catalogue()
    {
        await using var shop = await Orders.CreateAsync();
        await using var billing = await Orders.CreateAsync();
        await shop.PutFaultsAsync(2);
        var id = (await billing.PutFaultsAsync(3))[0];
        await using var site = await StartAsync(hasCatalogue: false, shop, billing);
        using var client = new PageClient(site.Address);

        // The management API lists a new queue a moment later.
        var queues = await Eventually.SeeAsync(
            () => client.GetAsync("/dead-letters"), page => page.Text.Contains("5 dead letters in 2 of 2 queues", StringComparison.Ordinal), "both queues are listed");
        queues.Text.ShouldContain($"{shop.VirtualHost.Name} Queue Dead letters Input queue orders_error 2 orders billing Queue Dead letters Input queue orders_error 3 orders");
        (await client.GetAsync(queues.Link("/sources/"))).Text.ShouldContain("3 dead letters of orders with 1 cause");
        (await client.GetAsync(queues.Link("/dead-letters/queues/"))).Text.ShouldContain("2 dead letters of orders with 1 cause");
        (await client.GetAsync("/dead-letters/sources/billing/queues")).Text.ShouldContain("3 dead letters in 1 of 1 queues");

        var found = await client.GetAsync($"/dead-letters/find?id={id}");
        found.Text.ShouldContain("In orders_error (billing), position 1");
        (await client.GetAsync(found.Link("/letters/"))).Text.ShouldContain(id.ToString());
        found.Link("/letters/").ShouldStartWith(Billing);
    }

    [Fact]
    public async Task Unconfirmed_message_of_a_replay_in_another_source_is_not_taken_for_one_of_this_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        var letter = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", default)).Letters[0];
        var audit = new AuditFile(orders.AuditPath);
        await audit.WriteAsync(
            new AuditEntry { Id = Guid.CreateVersion7().ToString("N"), At = DateTimeOffset.UtcNow, By = "jane", Verb = "replay", Queue = Orders.Error, Source = "billing", Doubts = [new Doubt(letter.Id, letter.MessageId, "1:1")] },
            default);

        foreach (var (source, warns) in new[] { ("shop", false), ("billing", true), (null, true) })
        {
            using var client = new DeadLetterClient(orders.Options with { Source = source }, audit);
            var plan = await client.PlanAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, default);
            plan.Replayed.ShouldHaveSingleItem().Verdict.Text.Contains("never confirmed", StringComparison.Ordinal).ShouldBe(warns, source);
        }
    }

    internal static Task<CatalogueSite> StartAsync(bool hasCatalogue, Orders shop, Orders billing) => CatalogueSite.StartOverAsync(
        hasCatalogue, ("shop", shop.Options with { OutcomeWait = TimeSpan.FromSeconds(1) }), ("billing", billing.Options with { OutcomeWait = TimeSpan.FromSeconds(1) }));

    internal static Task<Answer> SeeBoardAsync(PageClient client, params string[] texts) => Eventually.SeeAsync(
        () => client.GetAsync("/dead-letters"), board => board.Status == HttpStatusCode.OK && texts.All(text => board.Text.Contains(text, StringComparison.Ordinal)),
        $"the board shows {string.Join(", ", texts)}", TimeSpan.FromSeconds(60));

    // Runs a dry run, and sees its result.
    internal static async Task RunAsync(PageClient client, Answer dryRun, string result)
    {
        dryRun = await client.SeeEndAsync(dryRun);
        dryRun.Text.ShouldContain("billing");
        var run = await client.SeeEndAsync(await client.FollowAsync(dryRun.Path + "/run"));
        run.Text.ShouldContain(result);
        run.Link("/queues/").ShouldStartWith("/dead-letters/sources/billing/");
    }
}

/// <summary>One of two brokers is away.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class SourceOutageTests(ABrokerToStop broker)
{
    [Fact]
    public async Task Broker_that_is_away_at_the_start_or_later_affects_its_own_source_only_and_is_named()
    {
        await using var shop = await Orders.CreateAsync();
        await using var billing = await Orders.CreateAsync(broker: broker.Broker.ForOneSystem());
        await shop.PutFaultsAsync(2);
        await billing.PutFaultsAsync(3);
        await broker.Broker.StopAsync();
        await using var site = await SourceTests.StartAsync(hasCatalogue: true, shop, billing);
        using var client = new PageClient(site.Address);

        var without = await SourceTests.SeeBoardAsync(client, "Dead letters 2 ", "billing: The catalogue is not kept up to date: ");
        without.Text.ShouldNotContain("shop: The catalogue");
        var queues = await client.GetAsync("/dead-letters/queues");
        queues.Text.ShouldContain("2 dead letters in 1 of 1 queues");
        queues.Text.ShouldContain("The queues of billing can’t be read: The management API is unreachable");
        (await client.GetAsync("/dead-letters/sources/billing/queues/orders_error")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await client.GetAsync("/dead-letters/queues/orders_error")).Text.ShouldContain("2 dead letters of orders with 1 cause");

        await broker.Broker.StartAsync();
        (await SourceTests.SeeBoardAsync(client, "Dead letters 5 ", "Queues not fully read 0 of 2")).Text.ShouldNotContain(": The catalogue");
        await Eventually.SeeAsync(() => client.GetAsync("/dead-letters"), board => !board.Text.Contains(": The catalogue", StringComparison.Ordinal), "the notice is gone");

        await broker.Broker.StopAsync();
        await CatalogueFeedTests.FailAsync(shop, 1);
        await SourceTests.SeeBoardAsync(client, "Dead letters 6 ");
        var later = await SourceTests.SeeBoardAsync(client, "billing: The catalogue was last compared with the broker at ");
        later.Text.ShouldNotContain("shop: The catalogue");

        await broker.Broker.StartAsync();
        await using (var channel = await billing.VirtualHost.OpenChannelAsync(confirms: true))
            await channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), "{}"u8.ToArray());
        await SourceTests.SeeBoardAsync(client, "Dead letters 7 ", "Queues not fully read 0 of 2");
        await Eventually.SeeAsync(() => client.GetAsync("/dead-letters"), board => !board.Text.Contains(": The catalogue", StringComparison.Ordinal), "the notice is gone");
    }
}
