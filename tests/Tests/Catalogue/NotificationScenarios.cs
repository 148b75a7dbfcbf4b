using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Which messages are sent about causes, and that each is sent once; run on SQLite and on PostgreSQL.</summary>
public abstract class NotificationScenarios : IAsyncLifetime
{
    private static readonly TimeSpan _minutes = TimeSpan.FromMinutes(2);

    private NotificationDatabase _database = null!;
    private WebhookReceiver _receiver = null!;

    /// <summary>Returns the connection string of an empty database.</summary>
    protected abstract Task<string> CreateDatabaseAsync();

    public async ValueTask InitializeAsync()
    {
        _database = new NotificationDatabase(await CreateDatabaseAsync());
        _receiver = await WebhookReceiver.StartAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _receiver.DisposeAsync();
        _database.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Three_causes_with_4000_failures_are_three_messages_then_none_after_a_restart_then_one_each_when_over()
    {
        await using (var host = await StartAsync())
        {
            _database.Set([.. Three(300)]);
            await host.LookAsync();
            _database.Set([.. Three(1333)]);
            await host.LookForAsync(_minutes);
            _receiver.Kinds.ShouldBe(["new a", "new b", "new c"], ignoreOrder: true);
        }

        await using (var restarted = new NotificationHost(_database, _receiver.Receiver))
        {
            await restarted.LookForAsync(_minutes);
            _receiver.Calls.Count.ShouldBe(3);

            _database.Set();
            await restarted.LookForAsync(TimeSpan.FromSeconds(50));
            _receiver.Calls.Count.ShouldBe(3);
            await restarted.LookForAsync(_minutes);
            _receiver.Kinds.Skip(3).ShouldBe(["over a", "over b", "over c"], ignoreOrder: true);
        }
    }

    [Fact]
    public async Task Letters_of_the_catalogue_are_three_messages_for_4000_failures_of_three_causes_and_one_each_when_they_are_replayed()
    {
        await using var store = CatalogueStore.Open(_database.Options, _database.Time);
        _database.Look = token => TriageRegistration.LookAsync(new OpenCatalogue(Task.FromResult(store)), token);
        await using var host = new NotificationHost(_database, _receiver.Receiver);
        await WalkAsync(store);
        await host.LookAsync();
        var ids = new List<string>();
        for (var number = 0; number < 4000; number += 400)
        {
            var letters = Enumerable.Range(number, 400).Select(each => TestLetters.Fault("orders_error", $"m{each}", $"Orders.Exception{each % 3}", at: _database.Time.GetUtcNow(), id: $"{each}")).ToList();
            await store.Writer.AddAsync(TestLetters.Source, [.. letters.Select(letter => letter.Copy())], default);
            ids.AddRange(letters.Select(letter => letter.Id));
            await host.LookForAsync(TimeSpan.FromSeconds(10));
        }
        await host.LookForAsync(TimeSpan.FromMinutes(10));
        _receiver.Calls.Select(call => $"{call.Json["kind"]} {call.Json["cause"]!["exception"]}").ShouldBe(["new Orders.Exception0", "new Orders.Exception1", "new Orders.Exception2"], ignoreOrder: true);

        await store.Writer.MarkMovedAsync(TestLetters.Source, "orders_error", ids, LetterState.Replayed, "operation", "ann", _database.Time.GetUtcNow(), default);
        await host.LookForAsync(_minutes);
        _receiver.Calls.Skip(3).Select(call => $"{call.Json["kind"]} {call.Json["cause"]!["exception"]}").ShouldBe(["over Orders.Exception0", "over Orders.Exception1", "over Orders.Exception2"], ignoreOrder: true);
    }

    [Fact]
    public async Task Two_hosts_with_one_database_send_each_message_once()
    {
        await using var one = await StartAsync();
        await using var other = new NotificationHost(_database, _receiver.Receiver);
        foreach (var id in Enumerable.Range(0, 20))
        {
            _database.Set([.. _database.Causes, _database.Cause($"c{id}", 1)]);
            await Task.WhenAll(Task.Run(one.LookAsync), Task.Run(other.LookAsync));
        }
        await one.LookAsync();
        _receiver.Kinds.ShouldBe(Enumerable.Range(0, 20).Select(id => $"new c{id}"), ignoreOrder: true);
    }

    [Fact]
    public async Task Causes_that_are_there_when_notifications_are_switched_on_are_one_summary()
    {
        _database.Set([.. Three(1000)]);
        await using (var before = new NotificationHost(_database))
            await before.LookForAsync(_minutes);

        await using var host = new NotificationHost(_database, _receiver.Receiver);
        await host.LookForAsync(_minutes);
        var summary = _receiver.Calls.ShouldHaveSingleItem().Json;
        ((string?)summary["kind"]).ShouldBe("summary");
        ((int?)summary["count"]).ShouldBe(3000);
        summary["causes"]!.AsArray().Count.ShouldBe(3);

        _database.Set();
        await host.LookForAsync(_minutes);
        _receiver.Calls.Count.ShouldBe(1); // what was not announced is not reported as over
    }

    [Fact]
    public async Task Summary_waits_until_the_catalogue_has_read_its_queues()
    {
        _database.IsWalked = false;
        _database.Set(_database.Cause("a", 1));
        await using var host = new NotificationHost(_database, _receiver.Receiver);
        await host.LookForAsync(_minutes);
        _receiver.Calls.ShouldBeEmpty();

        _database.IsWalked = true;
        _database.Set([.. Three(1)]);
        await host.LookAsync();
        _receiver.Kinds.ShouldBe(["summary"]);
    }

    [Fact]
    public async Task Summary_waits_until_each_broker_was_compared_with_the_catalogue_but_at_most_30_seconds()
    {
        _database.HasLooked = false;
        _database.Set([.. Three(1)]);
        await using var host = new NotificationHost(_database, _receiver.Receiver);
        await host.LookForAsync(TimeSpan.FromSeconds(25));
        _receiver.Calls.ShouldBeEmpty();
        await host.LookForAsync(TimeSpan.FromSeconds(10));
        _receiver.Kinds.ShouldBe(["summary"]);
    }

    [Fact]
    public async Task Cause_that_comes_back_is_one_message_while_its_letters_fail_again_one_after_another()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 100));
        await host.LookForAsync(_minutes);
        for (var failed = 1; failed <= 100; failed++)
        {
            _database.Set(_database.Cause("a", 100, failedAgain: failed));
            await host.LookAsync();
            _database.Time.Advance(TimeSpan.FromSeconds(20)); // 33 minutes in all
        }
        _receiver.Kinds.ShouldBe(["new a", "back a"]);
    }

    [Fact]
    public async Task Cause_that_had_no_letters_for_a_minute_and_has_some_again_is_back()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookAsync();
        _database.Set();
        await host.LookForAsync(TimeSpan.FromSeconds(30));
        _database.Set(_database.Cause("a", 1));
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a"]);

        _database.Set();
        await host.LookForAsync(_minutes);
        _database.Set(_database.Cause("a", 1));
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a", "over a", "back a"]);
    }

    [Fact]
    public async Task Burst_is_one_message_until_it_was_calm_for_15_minutes()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookForAsync(TimeSpan.FromMinutes(10));

        _database.Set(_database.Cause("a", 100, recent: 100));
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a"]);
        _database.Set(_database.Cause("a", 101, recent: 101));
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a", "burst a"]);
        _database.Set(_database.Cause("a", 101));
        await host.LookForAsync(TimeSpan.FromMinutes(14));
        _database.Set(_database.Cause("a", 1000, recent: 900));
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a", "burst a"]);

        _database.Set(_database.Cause("a", 1000));
        await host.LookForAsync(TimeSpan.FromMinutes(16));
        _database.Set(_database.Cause("a", 2000, recent: 900));
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a", "burst a", "burst a"]);
    }

    [Fact]
    public async Task Cause_that_the_board_does_not_list_because_there_are_too_many_is_not_over()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 1), _database.Cause("b", 1000));
        await host.LookAsync();
        _database.Set(_database.Cause("b", 1000));
        _database.Unlisted = 1;
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a", "new b"], ignoreOrder: true);
    }

    [Fact]
    public async Task Muted_cause_sends_nothing_until_its_mute_ends()
    {
        await using var host = await StartAsync();
        await host.Triage.SetAsync("a", new TriageChange.MuteUntil(_database.Time.GetUtcNow().AddHours(1)), "jane", "orders_error", default);
        _database.Set(_database.Cause("a", 500, recent: 500));
        await host.LookForAsync(TimeSpan.FromMinutes(30));
        _database.Set(_database.Cause("a", 500, recent: 500, failedAgain: 3));
        await host.LookForAsync(TimeSpan.FromMinutes(28));
        _receiver.Calls.ShouldBeEmpty();
        await host.LookForAsync(TimeSpan.FromMinutes(5));
        _receiver.Kinds.ShouldBe(["burst a"]);
    }

    [Fact]
    public async Task Acknowledged_cause_sends_no_burst_and_a_message_when_it_comes_back_or_is_over()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookForAsync(TimeSpan.FromMinutes(10));
        await host.AcknowledgeAsync("a");
        _database.Set(_database.Cause("a", 500, recent: 500));
        await host.LookForAsync(TimeSpan.FromMinutes(10));
        _receiver.Kinds.ShouldBe(["new a"]);

        _database.Set(_database.Cause("a", 500, failedAgain: 1));
        await host.LookForAsync(_minutes);
        _database.Set();
        await host.LookForAsync(_minutes);
        _receiver.Kinds.ShouldBe(["new a", "back a", "over a"]);
    }

    [Fact]
    public async Task Message_contains_the_cause_its_counts_and_a_link_and_no_personal_data()
    {
        await using var host = await StartAsync();
        await host.Triage.SetAsync("a", TriageInput.Describe("Jane Roe", "call jane.roe@example.com", null), "jane", "", default);
        _database.Set(_database.Cause("a", 1333, recent: 7, text: "No mailbox jane.doe@example.com, call +44 20 7946 0958", versions: "2.4.1.0"));
        await host.LookAsync();

        var call = _receiver.Calls.ShouldHaveSingleItem();
        System.Text.Encoding.UTF8.GetString(call.Body).ShouldSatisfyAllConditions(
            it => it.ShouldNotContain("jane", Case.Insensitive), it => it.ShouldNotContain("Roe"), it => it.ShouldNotContain("7946"));
        ((string?)call.Json["cause"]!["exception"]).ShouldBe("System.TimeoutException");
        ((string?)call.Json["cause"]!["frame"]).ShouldBe("Orders.Ship.Send");
        ((int?)call.Json["count"]).ShouldBe(1333);
        ((int?)call.Json["recent"]).ShouldBe(7);
        ((string?)call.Json["queues"]![0]!["queue"]).ShouldBe("orders_error");
        ((string?)call.Json["since"]).ShouldBe("2026-01-02T12:00:00+00:00");
        ((string?)call.Json["versions"]![0]).ShouldBe("2.4.1.0");
        ((string?)call.Json["link"]).ShouldBe("https://ops.example.com/dead-letters/causes/a");
    }

    [Fact]
    public async Task Sent_and_tested_messages_are_in_the_history_of_the_cause_and_in_the_state_of_the_receiver()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookAsync();
        var entry = host.Deliveries.History("a", 10).ShouldHaveSingleItem();
        (entry.Kind, entry.State, entry.Tries, entry.EndedAt).ShouldBe(("new", DeliveryState.Sent, 1, _database.Time.GetUtcNow()));

        (await host.Store.TestAsync(_receiver.Receiver, default)).ShouldBeTrue();
        host.Deliveries.States().Values.Single().Waiting.ShouldBe(1);
        await host.Sender.SendAsync(default);
        host.Deliveries.States().Values.Single().Waiting.ShouldBe(0);
        _receiver.Kinds.ShouldBe(["new a", "test"]);
    }

    [Fact]
    public async Task Old_notifications_are_deleted_except_those_that_announced_a_cause_that_is_still_there()
    {
        await using var host = await StartAsync();
        _database.Set(_database.Cause("a", 1), _database.Cause("b", 1));
        await host.LookAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookForAsync(_minutes);
        _database.Time.Advance(TimeSpan.FromDays(31));
        await host.LookAsync();
        host.Deliveries.History("a", 10).Count.ShouldBe(1);
        host.Deliveries.History("b", 10).ShouldBeEmpty();

        _database.Set();
        await host.LookForAsync(_minutes);
        _receiver.Kinds[^1].ShouldBe("over a");
    }

    private static async Task WalkAsync(CatalogueStore store)
    {
        await store.Writer.SaveQueueAsync(new CatalogueQueue { Source = TestLetters.Source, Name = "orders_error", InputQueue = "orders" }, default);
        await store.Writer.EndWalkAsync(TestLetters.Source, "orders_error", await store.Writer.BeginWalkAsync(TestLetters.Source, "orders_error", default), default);
    }

    // The receiver has started: what comes now is new.
    private async Task<NotificationHost> StartAsync()
    {
        var host = new NotificationHost(_database, _receiver.Receiver);
        await host.LookAsync();
        _receiver.Calls.ShouldBeEmpty();
        return host;
    }

    private IEnumerable<BoardCause> Three(long count) => new[] { "a", "b", "c" }.Select(id => _database.Cause(id, count, recent: count));
}
