using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

public sealed class ReplayTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Replay_of_one_of_four_causes_leaves_the_other_three_unchanged_byte_for_byte(string errorType)
    {
        await using var orders = await Orders.CreateAsync(errorType);
        var ids = await orders.PutFaultsAsync(1000, causes: 4);

        var page = await orders.Client.GroupAsync(Orders.Error, DeadLetterFilter.All, "jane", null, _none);
        page.Groups.Select(group => group.Count).ShouldBe([250, 250, 250, 250]);
        page.Groups.ShouldAllBe(group => !group.Cause.Text.Contains("jane", StringComparison.Ordinal) && group.MessageTypes.Single() == "Orders:PlaceOrder");
        var unknown = page.Groups.Single(group => group.Cause.Text == "Order {id} is unknown");
        unknown.First.ShouldBe(DateTimeOffset.UnixEpoch.AddSeconds(1));
        unknown.Last.ShouldBe(DateTimeOffset.UnixEpoch.AddSeconds(997));

        var listed = (await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error, "--groups", "--json")).Json.GetProperty("groups");
        listed.EnumerateArray().Select(group => group.GetProperty("count").GetInt64()).ShouldBe([250, 250, 250, 250]);

        await using (await ConsumeAsync(orders, failing: number => number % 100 == 1)) // 10 of the 250
        {
            var replay = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--where", $"cause={unknown.Cause.Id}", "--wait", "10s", "--yes", "--json");
            replay.Code.ShouldBe(1, replay.Errors);
            replay.Json.GetProperty("outcomes").EnumerateArray().CountBy(message => message.GetProperty("outcome").GetString()!)
                .ShouldBe([KeyValuePair.Create("failedAgain", 10), KeyValuePair.Create("leftQueue", 240)], ignoreOrder: true);
        }
        await orders.SeeAsync(Orders.Error, 760);
        var all = await orders.VirtualHost.TakeAllAsync(Orders.Error);
        all.Skip(750).ShouldAllBe(message => Orders.Header(message, "Replay-Count") == "1");
        var left = all.Take(750).ToList();
        Orders.ShouldBeSame(left.Select(message => message.BasicProperties.MessageId), ids.Where((_, i) => i % 4 != 1).Select(id => id.ToString()));
        for (var i = 0; i < left.Count; i++)
        {
            var number = (i / 3 * 4) + (i % 3 == 0 ? 0 : (i % 3) + 1);
            Encoding.UTF8.GetString(left[i].Body.Span).ShouldBe(Encoding.UTF8.GetString(Orders.Envelope(ids[number], $$"""{ "number": {{number}}, "note": "für 😀 {{number}}" }""")));
            Orders.Header(left[i], "MT-Redelivery-Count").ShouldBe("5");
            Orders.Header(left[i], "Replay-Id").ShouldBeNull();
        }
    }

    [Fact]
    public async Task Replay_removes_headers_that_spoil_a_second_attempt_adds_its_stamp_and_keeps_the_rest()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        var properties = Orders.Faulted(id);
        properties.UserId = "operator"; // only a connection of that user may publish it
        properties.Priority = 3;
        await orders.PutAsync(properties, Orders.Envelope(id, """{ "a" : 1.50 }""", """{ "MT-Redelivery-Count": 7, "Tenant": "blue" }"""));
        await orders.SeeAsync(Orders.Error, 1);

        var first = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All), null, _none);

        await orders.SeeAsync(Orders.Input, 1);
        var message = (await orders.VirtualHost.TakeAllAsync(Orders.Input)).ShouldHaveSingleItem();
        Encoding.UTF8.GetString(message.Body.Span).ShouldBe(Encoding.UTF8.GetString(Orders.Envelope(id, """{ "a" : 1.50 }""", """{ "Tenant": "blue" }""")));
        message.BasicProperties.Headers!.Keys.Where(header => header != "x-delivery-count").Order(StringComparer.Ordinal).ShouldBe(
            ["Content-Type", "MT-Activity-Id", "MT-Activity-Propagation", "MT-Fault-Address", "Number", "Original-User-Id", "Replay-At", "Replay-By", "Replay-Count", "Replay-History", "Replay-Id", "Tenant"]);
        message.BasicProperties.Headers!["Number"].ShouldBe(42L);
        (message.BasicProperties.CorrelationId, message.BasicProperties.Priority, message.BasicProperties.MessageId).ShouldBe(("kept", (byte)3, id.ToString()));
        (Orders.Header(message, "Replay-By"), Orders.Header(message, "Replay-Count")).ShouldBe(("jane", "1"));
        Orders.Header(message, "Replay-Id")!.ShouldBe(first.Id + ".1");

        // The message fails again: it keeps its replay stamp, and the next replay increments the count.
        await orders.PutAsync(new BasicProperties(message.BasicProperties), message.Body.ToArray());
        await orders.SeeAsync(Orders.Error, 1);
        await orders.Client.ReplayAsync(Request(DeadLetterFilter.ById(id.ToString("N"))), null, _none);
        await orders.SeeAsync(Orders.Input, 1);
        Orders.Header((await orders.VirtualHost.TakeAllAsync(Orders.Input)).Single(), "Replay-Count").ShouldBe("2");
    }

    [Fact]
    public async Task Replay_reports_which_messages_failed_again_and_which_left_the_queue_without_news()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await orders.PutFaultsAsync(20);
        await using var consumer = await ConsumeAsync(orders, failing: number => number % 2 == 0);

        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Wait = TimeSpan.FromSeconds(8) }, null, _none);

        result.Replayed.Select(message => message.Outcome).ShouldBe(Enumerable.Range(0, 20).Select(i => i % 2 == 0 ? Outcome.FailedAgain : Outcome.LeftQueue));
        result.Headline.ShouldBe("20 of 20 replayed: 10 failed again, 10 left the queue: nothing heard yet");
        result.IsComplete.ShouldBeFalse();
        await orders.SeeAsync(Orders.Error, 10);
        (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none)).Letters
            .ShouldAllBe(letter => letter.LastReplay!.Count == 1 && letter.LastReplay.By == "jane" && letter.LastReplay.Id.StartsWith(result.Id));
        ids.Count.ShouldBe(20);
    }

    [Fact]
    public async Task Canary_that_fails_leaves_the_other_dead_letters_in_the_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(50);
        await using var consumer = await ConsumeAsync(orders, failing: _ => true);

        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Canary = true }, null, _none);

        (result.Done, result.Replayed.Single().Outcome).ShouldBe((1, Outcome.FailedAgain));
        result.Stopped!.ShouldContain("failed again");
        await orders.SeeAsync(Orders.Error, 50);
    }

    [Fact]
    public async Task Canary_that_succeeds_lets_the_other_dead_letters_be_replayed_once_each()
    {
        var application = new ApplicationThatReports();
        await using var orders = await Orders.CreateAsync(advisor: application);
        await orders.PutFaultsAsync(50);
        await using var consumer = await ConsumeAsync(orders, failing: _ => false, application);

        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Canary = true, Wait = TimeSpan.FromSeconds(60) }, null, _none);

        result.Replayed.Count(message => message.Outcome == Outcome.Handled).ShouldBe(50);
        result.IsComplete.ShouldBeTrue();
        consumer.Numbers.Order().ShouldBe(Enumerable.Range(0, 50));
    }

    [Fact]
    public async Task Replay_keeps_the_requested_pace()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(30);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        (await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Pace = 10 }, null, _none)).Done.ShouldBe(30);
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2.8)); // the last message is due after 2.9 s, on any machine
    }

    [Fact]
    public async Task Replay_is_refused_when_the_input_queue_is_missing_and_nothing_moves()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(5);
        await orders.Channel.QueueDeleteAsync(Orders.Input);
        await orders.Channel.ExchangeDeleteAsync(Orders.Input);

        var plan = await orders.Client.PlanAsync(Request(DeadLetterFilter.All), null, _none);
        plan.Refused.ShouldAllBe(refusal => refusal.Why.Contains("queue \"orders\" not found"));
        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All), null, _none);
        (result.Done, result.Refused.Count, result.IsComplete).ShouldBe((0, 5, false));
        await orders.SeeAsync(Orders.Error, 5);
    }

    [Fact]
    public async Task Message_that_no_queue_accepts_is_returned_and_stays_in_the_dead_letter_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(5);
        // The binding exists when the replay checks it, and is removed during the replay.
        var result = await orders.Client.ReplayAsync(
            Request(DeadLetterFilter.All) with { Pace = 2 },
            new ProgressTrigger(now => now.Done > 0, () => orders.Channel.QueueUnbindAsync(Orders.Input, Orders.Input, "").GetAwaiter().GetResult()), _none);
        (result.Done + result.Refused.Count).ShouldBe(5);
        result.Refused.ShouldNotBeEmpty();
        result.Refused.ShouldAllBe(refusal => refusal.Why.Contains("no route to a queue (NO_ROUTE)"));
        await orders.SeeAsync(Orders.Error, result.Refused.Count);

        // Later replays fail the check, at any pace.
        foreach (var (canary, pace) in new (bool, double?)[] { (true, null), (false, ReplayRequest.LeastPace) })
        {
            var again = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Canary = canary, Pace = pace }, null, _none);
            (again.Done, again.Refused.Count).ShouldBe((0, result.Refused.Count));
            again.Refused[0].Why.ShouldContain("exchange orders does not lead to queue orders");
        }
        await orders.SeeAsync(Orders.Error, result.Refused.Count);
        (await Should.ThrowAsync<DeadLetterException>(() => orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Pace = ReplayRequest.LeastPace / 2 }, null, _none)))
            .Message.ShouldContain("one message in 5 minutes");
    }

    [Fact]
    public async Task Cancelled_replay_loses_nothing_and_keeps_the_order_of_the_rest()
    {
        await using var orders = await Orders.CreateAsync("quorum");
        var ids = await orders.PutFaultsAsync(3000);
        using var cancel = new CancellationTokenSource();
        var result = await orders.Client.ReplayAsync(
            Request(DeadLetterFilter.All), new ProgressTrigger(now => now.Done > 500, cancel.Cancel), cancel.Token);

        result.Stopped.ShouldNotBeNull();
        ((int)result.Done).ShouldBeInRange(500, 2999);
        await orders.SeeAsync(Orders.Error, 3000 - result.Done);
        Orders.ShouldBeSame(
            (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Concat(await orders.VirtualHost.TakeAllAsync(Orders.Error)).Select(message => message.BasicProperties.MessageId),
            ids.Select(id => id.ToString()));
    }

    [Fact]
    public async Task Second_replay_of_a_queue_is_refused_and_the_error_names_who_runs_the_first_and_since_when()
    {
        await using var orders = await Orders.CreateAsync("quorum");
        await orders.PutFaultsAsync(100);
        using var cancel = new CancellationTokenSource();
        var first = orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { By = "jane", Pace = 5 }, null, cancel.Token);
        await WorkinIt.Testbed.Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(Orders.Input), ready => ready > 0, "the first replay moves messages");

        var second = await Should.ThrowAsync<DeadLetterException>(orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { By = "joe" }, null, _none));
        second.Problem.ShouldBe(DeadLetterProblem.Locked);
        second.Message.ShouldContain("jane is running an operation on this queue (replay, since 20");
        await cancel.CancelAsync();
        await first;

        await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "joe", _none);
    }

    [Fact]
    public async Task Dead_letters_can_be_read_while_a_replay_waits_for_outcomes()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(5);
        using var cancel = new CancellationTokenSource();
        var waiting = new TaskCompletionSource();
        var replay = orders.Client.ReplayAsync(
            Request(DeadLetterFilter.All) with { Wait = TimeSpan.FromMinutes(5) }, new ProgressTrigger(now => now.Waiting, () => waiting.TrySetResult()), cancel.Token);
        await waiting.Task;
        (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "joe", _none)).Letters.ShouldBeEmpty();
        await cancel.CancelAsync();
        (await replay).Done.ShouldBe(5);
    }

    [Fact]
    public async Task Edit_changes_only_the_message_and_the_audit_keeps_the_original()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await orders.PutFaultsAsync(3);

        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.ById(ids[1].ToString())) with { Edited = """{ "number": 7 }""" }, null, _none);

        result.Done.ShouldBe(1);
        await orders.SeeAsync(Orders.Input, 1);
        var message = (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Single();
        Encoding.UTF8.GetString(message.Body.Span).ShouldBe(Encoding.UTF8.GetString(Orders.Envelope(ids[1], """{ "number": 7 }""")));
        message.BasicProperties.MessageId.ShouldBe(ids[1].ToString());
        var entry = (await orders.Client.Audit.ReadAsync(Orders.Error, 100, _none)).Single(entry => entry.Id == result.Id);
        (entry.Verb, entry.By, entry.Done, entry.Messages.Single()).ShouldBe(("edit", "jane", 1, ids[1].ToString()));
        entry.Original!.ShouldContain("für 😀 1");
        entry.Edited.ShouldBe("""{ "number": 7 }""");
        entry.EndedAt.ShouldNotBeNull();
    }

    private static ReplayRequest Request(DeadLetterFilter filter) => new() { Queue = Orders.Error, Filter = filter, By = "jane", Wait = TimeSpan.Zero };

    private static Task<OrderConsumer> ConsumeAsync(Orders orders, Func<int, bool> failing, ApplicationThatReports? application = null) =>
        OrderConsumer.StartAsync(orders, (_, number) => failing(number) ? Handling.Fails : Handling.Succeeds, application);

    private sealed class ProgressTrigger(Func<OperationProgress, bool> condition, Action action) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value)
        {
            if (condition(value))
                action();
        }
    }
}
