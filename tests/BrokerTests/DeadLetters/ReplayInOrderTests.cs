using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A replay in order: the next dead letter of a key only after the one before was handled.</summary>
public sealed class ReplayInOrderTests
{
    private const int Keys = 100;
    private const int Each = 10;
    private const int Failing = 17; // the key whose fourth letter fails
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic", false)]
    [InlineData("classic", true)]
    [InlineData("quorum", false)]
    public async Task Failure_of_one_of_100_keys_holds_back_its_later_letters_and_99_keys_are_handled_in_order(string type, bool allAtOnce)
    {
        await using var orders = await Orders.CreateAsync(type);
        await PutAsync(orders);
        var before = await TextsAsync(orders);
        var account = new Account { Fails = (key, number) => key == Failing && number == 4 };
        await using var application = await account.StartAsync(orders);

        var dryRun = await orders.Client.PlanAsync(Request(), null, _none);
        var result = await orders.Client.ReplayAsync(Request() with { AllAtOnce = allAtOnce }, null, _none);

        dryRun.Order.ShouldNotBeNull().ShouldSatisfyAllConditions(
            order => (order.Keys, order.Longest, order.WithoutKey, order.PassingOthers).ShouldBe((Keys, Each, 0L, 0L)), order => order.HeldBack.ShouldBeEmpty());
        (result.Stopped, result.Done, result.Missing).ShouldBe((null, (Keys * Each) - 6, 0L), result.Headline);
        result.Headline.ShouldBe("994 of 1,000 replayed: 1 failed again, 993 handled; held back: 1 of 100 keys");
        var held = result.Order.ShouldNotBeNull().HeldBack.ShouldHaveSingleItem();
        (held.Key, held.Letters, held.Why).ShouldBe(("17", 6L, "failed again"));
        result.Refused.ShouldAllBe(refusal => refusal.IsHeldBack);
        result.Refused.Count.ShouldBe(6);
        account.ShouldBeInOrder();
        for (var key = 0; key < Keys; key++)
            account.Of(key).ShouldBe(Enumerable.Range(1, key == Failing ? 4 : Each), $"key {key}");
        account.MostAtOnce.ShouldBeGreaterThan(1); // of different keys

        var rest = await TextsAsync(orders);
        rest.Count.ShouldBe(7);
        Orders.ShouldBeSame(rest.Take(6), before.Where((_, i) => i % Keys == Failing && i / Keys >= 4));
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).Single(entry => entry.Verb == "replay").Results.ShouldBe("1 failed again, 993 handled; in order by message.orderId, held back: 1 of 100 keys");
    }

    [Fact]
    public async Task Second_replay_of_a_held_back_key_continues_with_the_letter_that_failed_and_then_in_order()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 3);
        var account = new Account { Fails = (key, number) => key == 1 && number == 4 };
        await using var application = await account.StartAsync(orders);
        (await orders.Client.ReplayAsync(Request(), null, _none)).Done.ShouldBe(24);
        account.Fails = (_, _) => false;

        var second = await orders.Client.ReplayAsync(Request(), null, _none);

        (second.Headline, second.IsComplete).ShouldBe(("7 of 7 replayed: 7 handled", true));
        account.Of(1).ShouldBe([1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10]);
        account.ShouldBeInOrder();
    }

    [Fact]
    public async Task Cancelled_replay_leaves_each_key_at_a_point_from_which_the_next_one_continues_in_order()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 20);
        var before = await TextsAsync(orders);
        var account = new Account();
        await using var application = await account.StartAsync(orders);
        using var cancel = new CancellationTokenSource();

        var cancelled = await orders.Client.ReplayAsync(Request(), new ProgressCallback(now =>
        {
            if (now.Done >= 60)
                cancel.Cancel();
        }), cancel.Token);

        cancelled.Stopped.ShouldNotBeNull().ShouldStartWith("Cancelled");
        cancelled.Done.ShouldBeInRange(60, 199);
        cancelled.Order.ShouldNotBeNull().HeldBack.ShouldBeEmpty(); // they were not moved because of the cancel
        var moved = Enumerable.Range(0, 20).Select(key => account.Of(key).Count).ToList();
        moved.Sum().ShouldBe((int)cancelled.Done);
        for (var key = 0; key < 20; key++)
            account.Of(key).ShouldBe(Enumerable.Range(1, moved[key]), $"key {key}");
        Orders.ShouldBeSame(await TextsAsync(orders), before.Where((_, i) => i / 20 >= moved[i % 20]));

        (await orders.Client.ReplayAsync(Request(), null, _none)).IsComplete.ShouldBeTrue();
        for (var key = 0; key < 20; key++)
            account.Of(key).ShouldBe(Enumerable.Range(1, Each), $"key {key}");
        account.ShouldBeInOrder();
    }

    [Fact]
    public async Task Order_by_a_header_goes_with_a_canary_and_a_pace_and_letters_without_it_are_moved_freely()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 4, each: 5);
        for (var i = 0; i < 3; i++)
        {
            var id = Guid.CreateVersion7();
            await orders.PutAsync(Orders.Faulted(id), Orders.Envelope(id, $$"""{ "number": {{100_000 + i}} }"""));
        }
        await orders.SeeAsync(Orders.Error, 23);
        var account = new Account { Takes = TimeSpan.FromMilliseconds(400) };
        await using var application = await account.StartAsync(orders);

        var result = await orders.Client.ReplayAsync(Request("header:Customer") with { Canary = true, Pace = 20 }, null, _none);

        (result.Headline, result.Order!.Keys, result.Order.WithoutKey).ShouldBe(("23 of 23 replayed: 23 handled", 4L, 3L));
        account.ShouldBeInOrder();
        for (var key = 0; key < 4; key++)
            account.Of(key).ShouldBe(Enumerable.Range(1, 5), $"key {key}");
    }

    [Fact]
    public async Task Canary_that_fails_leaves_all_others()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 2);
        var account = new Account { Fails = (_, _) => true };
        await using var application = await account.StartAsync(orders);

        var result = await orders.Client.ReplayAsync(Request() with { Canary = true }, null, _none);

        (result.Done, result.Stopped).ShouldBe((1L, "Canary: failed again. The other messages were not moved"));
        await orders.SeeAsync(Orders.Error, 20);
    }

    [Fact]
    public async Task Application_that_reports_nothing_gets_one_message_and_the_others_stay()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 2);
        await using var silent = await SilentApplication.StartAsync(orders);

        var result = await orders.Client.ReplayAsync(Request() with { Wait = TimeSpan.FromSeconds(3), StepWait = TimeSpan.FromSeconds(3) }, null, _none);

        (result.Done, result.IsComplete).ShouldBe((1L, false));
        result.Stopped.ShouldNotBeNull().ShouldStartWith("Nothing was reported about the first message, so the order by message.orderId can't be kept, and the others were not moved. Report outcomes with the package WorkinIt.DeadLetters.MassTransit");
        await orders.SeeAsync(Orders.Error, 19);
    }

    [Fact]
    public async Task Without_the_right_to_the_reports_nothing_is_moved_and_the_reason_says_what_to_grant()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 2, each: 2);
        using var broker = TestBroker.FromEnvironment();
        var user = $"order-{Guid.NewGuid():N}"[..16];
        await DeadLetterPages.AddUserAsync(broker, user, "monitoring");
        const string rights = "^(amq\\.default|dead-letters-lock:.*|orders.*)$";
        (await broker.Management.PutAsJsonAsync($"/api/permissions/{orders.VirtualHost.Name}/{user}", new { configure = rights, write = rights, read = rights })).EnsureSuccessStatusCode();
        using var client = new DeadLetterClient(DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString(user), broker.Management.BaseAddress!), orders.Client.Audit);
        await using var application = await new Account().StartAsync(orders);

        var refused = await Should.ThrowAsync<DeadLetterException>(client.ReplayAsync(Request(), null, _none));

        refused.Message.ShouldBe($"The order by message.orderId needs the outcome of each message. What the application reports can’t be received: give the RabbitMQ user {user} the permissions configure, write and read on dead-letters.reports");
        await orders.SeeAsync(Orders.Error, 4);
    }

    [Fact]
    public async Task Queue_that_counts_reads_is_refused_if_fewer_are_left_than_the_longest_key_needs()
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-delivery-limit"] = 8 });
        await PutAsync(orders, keys: 2);
        await using var application = await new Account().StartAsync(orders);

        using var broker = TestBroker.FromEnvironment();
        if (Version.Parse(await broker.VersionAsync()) >= new Version(4, 3)) // it does not count reads
        {
            (await orders.Client.ReplayAsync(Request(), null, _none)).IsComplete.ShouldBeTrue();
            return;
        }
        (await Should.ThrowAsync<DeadLetterException>(orders.Client.ReplayAsync(Request(), null, _none))).Message.ShouldContain("reads are left, 11 are needed");
        await orders.SeeAsync(Orders.Error, 20);
    }

    [Fact]
    public async Task Key_waits_for_a_delayed_message_and_stays_behind_one_without_an_outcome()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 3, each: 4);
        var account = new Account { Handling = (key, number) => (key, number) switch { (0, 2) => Handling.Delays, (1, 2) => Handling.Holds, _ => Handling.Succeeds } };
        await using var application = await account.StartAsync(orders);

        var result = await orders.Client.ReplayAsync(Request() with { Wait = TimeSpan.FromSeconds(5), StepWait = TimeSpan.FromSeconds(3) }, null, _none);

        result.Headline.ShouldBe("10 of 12 replayed: 9 handled, 1 taken, no word yet; held back: 1 of 3 keys");
        result.Order!.HeldBack.ShouldHaveSingleItem().ShouldSatisfyAllConditions(key => (key.Key, key.Letters).ShouldBe(("1", 2L)), key => key.Why.ShouldBe("has no known outcome (taken, no word yet)"));
        account.Of(0).ShouldBe([1, 2, 2, 3, 4]); // the second try of 2 came after 2 s
        account.ShouldBeInOrder();
        await orders.SeeAsync(Orders.Error, 2);
    }

    [Fact]
    public async Task Pause_and_resume_keep_the_order_and_the_keys_that_failed_stay_held_back()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 10);
        var account = new Account { Fails = (key, number) => key < 2 && number == 1 };
        await using var application = await account.StartAsync(orders);
        var pauses = new List<ReplayPause>();

        var result = await orders.Client.ReplayAsync(Request() with
        {
            OnPause = (pause, _) =>
            {
                pauses.Add(pause);
                return Task.FromResult(PauseAnswer.Resume);
            },
        }, null, _none);

        pauses.Count.ShouldBe(2); // the first step has one message, also after a resume
        result.Order!.HeldBack.Select(key => key.Letters).ShouldBe([9, 9]);
        for (var key = 0; key < 10; key++)
            account.Of(key).ShouldBe(Enumerable.Range(1, key < 2 ? 1 : Each), $"key {key}");
        account.ShouldBeInOrder();
    }

    [Fact]
    public async Task Refused_letter_holds_back_the_later_ones_of_its_key_and_an_earlier_one_that_is_not_selected_is_counted()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 3, each: 4, change: (properties, key, number) =>
        {
            if ((key, number) == (2, 2))
                properties.Headers!["Discarded-From"] = Orders.Error; // a replay refuses it
            if ((key, number) == (1, 1))
                properties.Headers!["MT-Fault-ExceptionType"] = "Orders.AnotherException";
        });
        var account = new Account();
        await using var application = await account.StartAsync(orders);
        var request = Request() with { Filter = new DeadLetterFilter { Exception = "StillBroken" } };

        var dryRun = await orders.Client.PlanAsync(request, null, _none);
        var result = await orders.Client.ReplayAsync(request, null, _none);

        dryRun.Order!.PassingOthers.ShouldBe(1);
        foreach (var one in new[] { dryRun, result })
        {
            (one.Selected, one.Done, one.Refused.Count).ShouldBe((11L, 8L, 3));
            one.Refused.Count(refusal => refusal.IsHeldBack).ShouldBe(2);
            one.Order!.HeldBack.ShouldHaveSingleItem().ShouldSatisfyAllConditions(key => key.Key.ShouldBe("2"), key => key.Why.ShouldBe("is refused"));
        }
        account.Of(2).ShouldBe([1]);
        account.Of(1).ShouldBe([2, 3, 4]);
        account.ShouldBeInOrder();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Command_shows_the_keys_before_and_those_held_back_after_and_masks_them(bool json)
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 3, each: 4);
        var account = new Account { Fails = (key, number) => key == 1 && number == 2 };
        await using var application = await account.StartAsync(orders);
        string[] command = ["dead-letters", "replay", "--queue", Orders.Error, "--all", "--in-order-by", "message.customer.email", .. json ? ["--json"] : Array.Empty<string>()];

        var dryRun = await orders.Command.RunAsync([.. command, "--dry-run"]);
        var replay = await orders.Command.RunAsync([.. command, "--yes", "--wait", "10s"]);

        (dryRun.Code, replay.Code).ShouldBe((0, 1), $"{dryRun}{replay}");
        foreach (var run in new[] { dryRun, replay })
            (run.Output + run.Errors).ShouldNotContain("customer1@");
        if (json)
        {
            dryRun.Json.GetProperty("order").ShouldSatisfyAllConditions(order => order.GetProperty("keys").GetInt32().ShouldBe(3), order => order.GetProperty("longest").GetInt32().ShouldBe(4));
            var held = replay.Json.GetProperty("order").GetProperty("heldBack").EnumerateArray().Single();
            (held.GetProperty("key").GetString(), held.GetProperty("letters").GetInt32(), held.GetProperty("why").GetString()).ShouldBe(("c…@e…", 2, "failed again"));
        }
        else
        {
            dryRun.Output.ShouldContain("  in order by message.customer.email: 3 keys, at most 4 messages of one key");
            dryRun.Output.ShouldContain("If nothing is reported about the first message, the replay ends there.");
            replay.Output.ShouldContain("  2 not moved: held back: in order by message.customer.email, and an earlier dead letter of its key failed again");
            replay.Output.ShouldContain("  in order by message.customer.email, held back: 1 of 3 keys");
            replay.Output.ShouldContain("    c…@e…: 2 messages, because ");
            replay.Output.ShouldContain("10 of 12 replayed: 1 failed again, 9 handled; held back: 1 of 3 keys");
        }
        (await File.ReadAllTextAsync(orders.AuditPath)).ShouldNotContain("customer1@");
    }

    [Theory]
    [InlineData("message", "10s", "--in-order-by: “message” is not a field to order by: use a property such as message.orderId, or a header such as header:Tenant")]
    [InlineData("message.orderId", "0", "--in-order-by and --wait 0 can't be combined: the order is kept by waiting for outcomes")]
    public async Task Command_refuses_an_order_that_can_not_be_kept(string field, string wait, string problem)
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, keys: 1, each: 1);

        var run = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--yes", "--in-order-by", field, "--wait", wait);

        run.Code.ShouldBe(2, run.ToString());
        run.Errors.ShouldContain(problem);
        await orders.SeeAsync(Orders.Error, 1);
    }

    private static ReplayRequest Request(string by = "message.orderId") => new()
    {
        Queue = Orders.Error,
        Filter = DeadLetterFilter.All,
        By = "jane",
        Wait = TimeSpan.FromSeconds(20),
        InOrderBy = OrderField.Parse(by),
    };

    // The letters of all keys alternate. The number of a letter is its key and its number from 1 in it.
    private static async Task PutAsync(Orders orders, int keys = Keys, int each = Each, Action<BasicProperties, int, int>? change = null)
    {
        for (var number = 1; number <= each; number++)
        {
            for (var key = 0; key < keys; key++)
            {
                var id = Guid.CreateVersion7();
                var properties = Orders.Faulted(id, "Orders.StillBrokenException", "It is still broken", (number * keys) + key);
                properties.Headers!.Remove("MT-Fault-StackTrace"); // a new failure has the same cause
                properties.Headers["Customer"] = $"customer{key}@example.com";
                change?.Invoke(properties, key, number);
                await orders.PutAsync(properties, Orders.Envelope(id, $$"""{ "number": {{(key * 1000) + number}}, "orderId": {{key}}, "customer": { "email": "customer{{key}}@example.com" } }"""));
            }
        }
        await orders.SeeAsync(Orders.Error, keys * each);
    }

    private static async Task<IReadOnlyList<string>> TextsAsync(Orders orders)
    {
        using var lines = new MemoryStream();
        await orders.Client.ExportAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, lines, null, _none);
        return [.. Encoding.UTF8.GetString(lines.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(WithoutPlace)];
    }

    // A quorum queue counts the returns of a message, and changes the order of its headers then.
    private static string WithoutPlace(string line)
    {
        var letter = JsonNode.Parse(line)!.AsObject();
        letter.Remove("position");
        letter["headers"] = new JsonObject(letter["headers"]!.AsObject().Where(header => header.Key is not ("x-delivery-count" or "x-acquired-count"))
            .OrderBy(header => header.Key, StringComparer.Ordinal).Select(header => KeyValuePair.Create(header.Key, header.Value?.DeepClone())));
        return letter.ToJsonString();
    }

    /// <summary>What the application did, in its order.</summary>
    private sealed class Account
    {
        private readonly Lock _lock = new();
        private readonly List<(int Key, int Number)> _ended = [];
        private readonly HashSet<int> _running = [];
        private readonly List<string> _overlaps = [];

        public Func<int, int, bool> Fails { get; set; } = (_, _) => false;

        public Func<int, int, Handling>? Handling { get; init; }

        public TimeSpan? Takes { get; init; }

        public int MostAtOnce { get; private set; }

        public Task<ReportingApplication> StartAsync(Orders orders) => ReportingApplication.StartAsync(orders, End, Begin);

        /// <summary>The numbers of a key's letters, as they were consumed.</summary>
        public IReadOnlyList<int> Of(int key)
        {
            lock (_lock)
                return [.. _ended.Where(one => one.Key == key).Select(one => one.Number)];
        }

        /// <summary>No two letters of a key were consumed at once, and none before an earlier one.</summary>
        public void ShouldBeInOrder()
        {
            lock (_lock)
            {
                _overlaps.ShouldBeEmpty();
                foreach (var key in _ended.GroupBy(one => one.Key).Where(key => key.Key < 100))
                    key.Select(one => one.Number).ShouldBeInOrder();
            }
        }

        private TimeSpan Begin(int number)
        {
            lock (_lock)
            {
                if (number < 100_000 && !_running.Add(number / 1000))
                    _overlaps.Add(number.ToString(CultureInfo.InvariantCulture));
                MostAtOnce = Math.Max(MostAtOnce, _running.Count);
            }
            return Takes ?? TimeSpan.FromMilliseconds(number % 7);
        }

        private Handling End(int number)
        {
            lock (_lock)
            {
                var (key, its) = (number / 1000, number % 1000);
                _running.Remove(key);
                _ended.Add((key, its));
                return Handling?.Invoke(key, its) ?? (Fails(key, its) ? DeadLetters.Handling.Fails : DeadLetters.Handling.Succeeds);
            }
        }
    }

    /// <summary>Consumes all messages, and reports nothing.</summary>
    private sealed class SilentApplication : IAsyncDisposable
    {
        private readonly IChannel _channel;

        private SilentApplication(IChannel channel) => _channel = channel;

        public static async Task<SilentApplication> StartAsync(Orders orders)
        {
            var channel = await orders.VirtualHost.OpenChannelAsync();
            await channel.BasicConsumeAsync(Orders.Input, autoAck: true, new AsyncEventingBasicConsumer(channel));
            return new SilentApplication(channel);
        }

        public ValueTask DisposeAsync() => _channel.DisposeAsync();
    }

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
