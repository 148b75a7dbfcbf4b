using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using RabbitMQ.Client;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;
using OrderLetters = WorkinIt.BrokerTests.DeadLetters.Orders; // a sample has a namespace of that name

namespace WorkinIt.BrokerTests.Upgrading;

/// <summary>A rehearsal of an upgrade: dead letters that an application left on an old broker are moved to a new one, and worked on there. Table: docs/discovery.md.</summary>
[Trait("needs", "docker")]
public sealed class UpgradeTests(OldAndNewBroker brokers) : IClassFixture<OldAndNewBroker>
{
    // Above half of the limit of 20 that a quorum queue has on 4.x by default.
    private const int Looks = 12;

    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Dead_letters_arrive_by_definitions_and_shovel_as_they_were_and_can_be_worked_on(string type)
    {
        await using var old = await OldApplication.CreateAsync(brokers.Old, type);
        await using var there = await MoveDefinitionsAsync(old);
        using var oldClient = brokers.ClientOf(brokers.Old, old.VirtualHost);
        using var client = brokers.ClientOf(brokers.New, there);
        for (var look = 0; look < Looks; look++)
            await ListAsync(oldClient, OldApplication.Error);

        var letters = (IReadOnlyList<DeadLetter>)[];
        foreach (var queue in OldApplication.Queues)
        {
            var before = AsOnNew(type, await ListAsync(oldClient, queue));
            await brokers.ShovelAllAsync(old.VirtualHost, there, queue, before.Count);
            var after = await ListAsync(client, queue);
            after.Select(letter => letter.Id).ShouldBe(before.Select(letter => letter.Id), queue);
            ShouldDifferOnly(before, after, name => name is "header x-delivery-count" or "header x-acquired-count");
            if (queue == OldApplication.Error)
                letters = after;
        }
        // The shovel copies the count of the old queue, and RabbitMQ 4 shows it as if it were one of the new queue.
        if (type == "quorum")
            letters.Max(letter => long.Parse(letter.Header("x-delivery-count") ?? "0", CultureInfo.InvariantCulture)).ShouldBeGreaterThanOrEqualTo(Looks);
        await using (var catalogue = await FedCatalogue.StartAsync(DeadLetterOptions.Parse(there.ConnectionString("operator"), brokers.New.Management.BaseAddress!)))
            await catalogue.SeeAgreesAsync(OldApplication.Error, letters.Count, TimeSpan.FromMinutes(1));
        await ShouldWorkAsync(there, type, letters);
    }

    [Fact]
    public async Task Dead_letters_arrive_by_export_and_import_as_they_were()
    {
        await using var old = await OldApplication.CreateAsync(brokers.Old, "quorum");
        await using var there = await MoveDefinitionsAsync(old);
        using var oldClient = brokers.ClientOf(brokers.Old, old.VirtualHost);
        using var client = brokers.ClientOf(brokers.New, there);
        var before = await ListAsync(oldClient, OldApplication.Error);
        var file = Path.Combine(Path.GetTempPath(), $"workinit-{Guid.NewGuid():N}.jsonl");
        try
        {
            (await OldApplication.CommandOn(brokers.Old, old.VirtualHost).RunAsync("dead-letters", "export", "--queue", OldApplication.Error, "--output", file)).Code.ShouldBe(0);
            var command = OldApplication.CommandOn(brokers.New, there);

            var imported = await command.RunAsync("dead-letters", "import", file, "--yes", "--json");

            imported.Code.ShouldBe(0, imported.ToString());
            (imported.Json.GetProperty("done").GetInt32(), imported.Json.GetProperty("present").GetInt32()).ShouldBe((before.Count, 0));
            ShouldDifferOnly(AsOnNew("quorum", before), await ListAsync(client, OldApplication.Error), IsChangedByAMove);
            (await command.RunAsync("dead-letters", "import", file, "--yes", "--json")).Json.GetProperty("present").GetInt32().ShouldBe(before.Count);
            (await ListAsync(oldClient, OldApplication.Error)).Count.ShouldBe(before.Count);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Copies_go_to_a_queue_of_the_new_broker_and_the_dead_letters_stay()
    {
        await using var old = await OldApplication.CreateAsync(brokers.Old, "classic");
        await using var there = await MoveDefinitionsAsync(old);
        using var oldClient = brokers.ClientOf(brokers.Old, old.VirtualHost);
        var before = await ListAsync(oldClient, OldApplication.Error);
        var command = OldApplication.CommandOn(brokers.Old, old.VirtualHost, ("ConnectionStrings__Upgraded", there.ConnectionString("operator")));

        var copied = await command.RunAsync("dead-letters", "replay", "--queue", OldApplication.Error, "--all", "--copy", "--to", OldApplication.Input, "--to-broker", "Upgraded", "--yes", "--json");

        copied.Json.GetProperty("copied").GetInt32().ShouldBe(before.Count, copied.ToString());
        var copies = await there.TakeAllAsync(OldApplication.Input);
        copies.Select(copy => MessageFields.Of(copy)["body"]).ShouldBe(before.Select(letter => Fields(letter)["body"]));
        copies.Select(copy => OrderLetters.Header(copy, "Replay-Copy")).ShouldAllBe(value => value == "True");
        ShouldDifferOnly(before, await ListAsync(oldClient, OldApplication.Error), _ => false);
    }

    [Fact]
    public async Task Definitions_with_a_policy_for_mirrored_queues_are_refused_and_no_queue_is_created()
    {
        await using var old = await OldApplication.CreateAsync(brokers.Old, "classic");
        await old.VirtualHost.SetPolicyAsync("mirrored", OldApplication.Error, new Dictionary<string, object> { ["ha-mode"] = "all" });
        await using var there = new TestVirtualHost(brokers.New, old.VirtualHost.Name);

        try
        {
            var refused = await brokers.ImportDefinitionsAsync();

            (await refused.Content.ReadAsStringAsync()).ShouldContain("are not recognised policy settings");
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await brokers.New.Management.GetFromJsonAsync<object[]>($"/api/queues/{there.Name}"))!.ShouldBeEmpty();
        }
        finally
        {
            // Otherwise it is in the definitions that a later test imports.
            (await brokers.Old.Management.DeleteAsync(new Uri($"/api/policies/{old.VirtualHost.Name}/mirrored", UriKind.Relative))).EnsureSuccessStatusCode();
        }
        (await brokers.ImportDefinitionsAsync()).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await there.ReadyAsync(OldApplication.Error)).ShouldBe(0);
    }

    [Fact]
    public async Task Queues_with_settings_that_4_no_longer_has_are_imported()
    {
        await using var virtualHost = await brokers.Old.CreateVirtualHostAsync();
        await using var channel = await virtualHost.OpenChannelAsync();
        foreach (var (queue, durable, arguments) in new (string, bool, Dictionary<string, object?>)[]
        {
            ("lazy_error", true, new() { ["x-queue-mode"] = "lazy" }), ("priority_error", true, new() { ["x-max-priority"] = 5 }), ("transient_error", false, []),
        })
            await channel.QueueDeclareAsync(queue, durable, exclusive: false, autoDelete: false, arguments);

        (await brokers.ImportDefinitionsAsync()).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        await using var there = new TestVirtualHost(brokers.New, virtualHost.Name);
        var listed = await OldApplication.CommandOn(brokers.New, there).RunAsync("dead-letters", "list", "--queue", "lazy_error");
        listed.Code.ShouldBe(0, listed.ToString());
        (await there.ManagementAsync("queues/{vhost}")).EnumerateArray().Select(queue => (queue.GetProperty("name").GetString()!, queue.GetProperty("durable").GetBoolean()))
            .Where(queue => !queue.Item1.StartsWith("dead-letters-lock:", StringComparison.Ordinal)) // of the list, which has just ended
            .ShouldBe([("lazy_error", true), ("priority_error", true), ("transient_error", false)], ignoreOrder: true);
    }

    [Fact]
    public async Task Import_of_definitions_takes_over_the_id_of_the_cluster_and_makes_classic_the_default_of_a_virtual_host_that_exists()
    {
        await using var old = await OldApplication.CreateAsync(brokers.Old, "classic");
        var name = old.VirtualHost.Name;
        (await brokers.New.Management.PutAsJsonAsync($"/api/vhosts/{name}", new { default_queue_type = "quorum" })).EnsureSuccessStatusCode();

        (await brokers.ImportDefinitionsAsync()).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await OldAndNewBroker.ClusterIdAsync(brokers.New)).ShouldBe(await OldAndNewBroker.ClusterIdAsync(brokers.Old));
        await using var there = new TestVirtualHost(brokers.New, name);
        (await there.ManagementAsync("vhosts/{vhost}")).GetProperty("default_queue_type").GetString().ShouldBe("classic");
        (await there.ManagementAsync($"queues/{{vhost}}/{OldApplication.Error}")).GetProperty("type").GetString().ShouldBe("classic");
    }

    [Fact]
    public async Task Shovel_loses_nothing_that_the_new_broker_refuses_and_sends_a_copy_for_each_CC()
    {
        await using var old = await OldApplication.CreateAsync(brokers.Old, "classic");
        await using var channel = await old.VirtualHost.OpenChannelAsync(confirms: true);
        foreach (var queue in new[] { "of-another-user", "large", "copied", "copies" })
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
        await using var there = await MoveDefinitionsAsync(old);
        (await brokers.New.Management.PutAsJsonAsync("/api/users/mover", new { password = "mover", tags = "" })).EnsureSuccessStatusCode();
        (await brokers.New.Management.PutAsJsonAsync($"/api/permissions/{there.Name}/mover", new { configure = ".*", write = ".*", read = ".*" })).EnsureSuccessStatusCode();
        var persistent = DeliveryModes.Persistent;
        await channel.BasicPublishAsync("", "of-another-user", mandatory: true, new BasicProperties { DeliveryMode = persistent, UserId = "operator" }, new byte[] { 1 });
        await channel.BasicPublishAsync("", "large", mandatory: true, new BasicProperties { DeliveryMode = persistent }, new byte[17 * 1024 * 1024]);
        await channel.BasicPublishAsync("", "copied", mandatory: true, new BasicProperties { DeliveryMode = persistent, Headers = new Dictionary<string, object?> { ["CC"] = new List<object?> { "copies" } } }, new byte[] { 2 });

        await brokers.ShouldBeRefusedAsync(old.VirtualHost, "of-another-user", "user_id property set to 'operator' but authenticated user was 'mover'", user: "mover");
        await brokers.ShouldBeRefusedAsync(old.VirtualHost, "large", "message size");
        await brokers.ShovelAllAsync(old.VirtualHost, there, "copied", 1);

        foreach (var (queue, here, arrived) in new[] { ("of-another-user", 1, 0), ("large", 1, 0), ("copied", 0, 1), ("copies", 1, 1) })
        {
            await Eventually.SeeAsync(() => old.VirtualHost.ReadyAsync(queue), ready => ready == here, $"{here} in {queue} on the old broker");
            (await there.ReadyAsync(queue)).ShouldBe(arrived, queue);
        }
    }

    private async Task<TestVirtualHost> MoveDefinitionsAsync(OldApplication old)
    {
        (await brokers.ImportDefinitionsAsync()).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        return new TestVirtualHost(brokers.New, old.VirtualHost.Name);
    }

    // Lists, explains, discards, restores and replays what has arrived, by the command.
    private async Task ShouldWorkAsync(TestVirtualHost there, string type, IReadOnlyList<DeadLetter> letters)
    {
        using var client = brokers.ClientOf(brokers.New, there);
        var command = OldApplication.CommandOn(brokers.New, there);
        var counts = (await command.RunAsync("dead-letters", "list", "--json")).Json.EnumerateArray().ToDictionary(queue => queue.GetProperty("name").GetString()!, queue => queue.GetProperty("messages").GetInt32());
        (counts[OldApplication.Error], counts[OldApplication.Skipped], counts[OldApplication.Discarded]).ShouldBe((letters.Count, 1, 1));
        foreach (var letter in letters)
            (await command.RunAsync("dead-letters", "explain", letter.Id, "--queue", OldApplication.Error)).Code.ShouldBe(0, letter.Id);
        (await command.RunAsync("dead-letters", "discard", "--queue", OldApplication.Error, "--all", "--accept-loss", "--yes")).Code.ShouldBe(0);
        (await command.RunAsync("dead-letters", "restore", "--queue", OldApplication.Error, "--all", "--yes")).Code.ShouldBe(0);
        var restored = await ListAsync(client, OldApplication.Error);
        restored.Count.ShouldBe(letters.Count + 1); // also the one that was discarded on the old broker
        var byId = restored.ToDictionary(letter => letter.Id);
        ShouldDifferOnly(letters, [.. letters.Select(letter => byId[letter.Id])], IsChangedByAMove);

        var handled = new ConcurrentQueue<int>();
        var bus = await OldApplication.StartAsync(there, type, order =>
        {
            handled.Enqueue(order.Number);
            return Task.CompletedTask;
        });
        await there.SeeConsumerAsync(OldApplication.Input);
        foreach (var letter in restored.Where(letter => letter.MessageTypes.Any(name => name.EndsWith(nameof(ShopOrder), StringComparison.Ordinal))))
        {
            var replayed = await command.RunAsync("dead-letters", "replay", "--queue", OldApplication.Error, "--where", $"id={letter.Id}", "--yes", "--wait", "0");
            replayed.Code.ShouldBe(0, replayed.ToString());
        }
        await Eventually.SeeAsync(() => handled.Count >= OldApplication.Failed, "all orders are handled");
        handled.Order().ShouldBe(Enumerable.Range(0, OldApplication.Failed));
        await bus.StopAsync();
        (await ListAsync(client, OldApplication.Error)).Count.ShouldBe(restored.Count - OldApplication.Failed);
    }

    // A move makes a message persistent, without an expiration, and notes both.
    private static bool IsChangedByAMove(string name) => name is "header x-delivery-count" or "header x-acquired-count" or "delivery_mode" or "header Original-Delivery-Mode" or "expiration" or "header Original-Expiration";

    private static void ShouldDifferOnly(IReadOnlyList<DeadLetter> before, IReadOnlyList<DeadLetter> after, Func<string, bool> may)
    {
        after.Count.ShouldBe(before.Count);
        for (var i = 0; i < before.Count; i++)
            MessageFields.Differences(Fields(before[i]), Fields(after[i])).Where(difference => !may(difference.Split(':')[0])).ShouldBeEmpty($"letter {i}");
    }

    // A quorum queue of RabbitMQ 4 delivers by priority, where none is 4; one of 3.10 takes no notice of it.
    private static IReadOnlyList<DeadLetter> AsOnNew(string type, IReadOnlyList<DeadLetter> letters) =>
        type == "quorum" ? [.. letters.OrderByDescending(letter => letter.Properties.IsPriorityPresent() ? letter.Properties.Priority : 4)] : letters;

    private static SortedDictionary<string, string> Fields(DeadLetter letter) => MessageFields.Of(letter.Properties, letter.Body.Span);

    private static async Task<IReadOnlyList<DeadLetter>> ListAsync(DeadLetterClient client, string queue) =>
        (await client.ListAsync(queue, DeadLetterFilter.All, 0, 1000, "jane", _none)).Letters;
}
