using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A replay reports only outcomes that were observed.</summary>
public sealed class ReplayOutcomeTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("Holds")]
    [InlineData("Delays")]
    [InlineData("Succeeds")]
    public async Task Replayed_message_without_news_has_outcome_left_queue_and_the_exit_code_is_1(string handling)
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, _) => Enum.Parse<Handling>(handling));

        var replay = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--wait", "12s", "--yes", "--json");

        replay.Code.ShouldBe(1, replay.ToString());
        replay.Json.GetProperty("outcomes").EnumerateArray().Select(message => message.GetProperty("outcome").GetString()).ShouldBe(["leftQueue", "leftQueue", "leftQueue"]);
        consumer.Seen.ShouldBe(3);
    }

    [Fact]
    public async Task Message_skipped_into_a_queue_created_during_the_replay_has_outcome_skipped()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await orders.PutFaultsAsync(3);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, _) => Handling.Skips);

        var replay = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--wait", "30s", "--yes");

        replay.Code.ShouldBe(1, replay.ToString());
        replay.Output.TrimEnd().Split('\n')[^1].ShouldBe("3 of 3 replayed: 3 skipped");
        var letter = (await orders.Client.FindAsync("orders_skipped", ids[0].ToString(), "jane", _none)).ShouldNotBeNull();
        replay.Output.ShouldContain("--queue orders_skipped");
        letter.LastReplay.ShouldNotBeNull();
    }

    [Fact]
    public async Task Outcomes_are_counted_during_a_replay_and_settle_after_a_cancel()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(60);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, _) => Handling.Fails);
        using var cancel = new CancellationTokenSource();
        var progress = new ProgressCallback(now =>
        {
            if (now is { Waiting: false, Outcomes.FailedAgain: >= 5 })
                cancel.Cancel();
        });

        var result = await orders.Client.ReplayAsync(
            new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Pace = 10, Wait = TimeSpan.FromSeconds(60) }, progress, cancel.Token);

        result.Stopped.ShouldNotBeNull().ShouldContain("cancelled");
        result.Done.ShouldBeInRange(5, 59);
        result.Headline.ShouldBe($"{result.Done} of 60 replayed: {result.Done} failed again");
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).Single(entry => entry.Id == result.Id).Results.ShouldBe($"{result.Done} failed again");
        foreach (var message in result.Replayed.Take(3))
        {
            var fresh = message.NewLetter.ShouldNotBeNull();
            (fresh.Queue, fresh.Reason, fresh.ExceptionType).ShouldBe((Orders.Error, "It is still broken", "Orders.StillBrokenException"));
            (await orders.Client.FindAsync(Orders.Error, fresh.Id, "jane", _none)).ShouldNotBeNull().MessageId.ShouldBe(message.MessageId);
        }
    }

    [Fact]
    public async Task Message_that_the_broker_dead_letters_through_an_exchange_set_by_policy_failed_again()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("rejected", []);
        await orders.VirtualHost.SetPolicyAsync("dead-letters", Orders.Input, new Dictionary<string, object> { ["dead-letter-exchange"] = "rejected" });
        await orders.PutFaultsAsync(1);
        var channel = await orders.VirtualHost.OpenChannelAsync();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) => await channel.BasicRejectAsync(delivery.DeliveryTag, requeue: false, _none);
        await channel.BasicConsumeAsync(Orders.Input, autoAck: false, consumer, _none);

        var result = await orders.Client.ReplayAsync(
            new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.FromSeconds(15) }, null, _none);

        result.Replayed.Single().Outcome.ShouldBe(Outcome.FailedAgain);
        await orders.SeeAsync("rejected", 1);
    }

    [Fact]
    public async Task Canary_without_news_leaves_the_other_dead_letters_in_the_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(5);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, _) => Handling.Succeeds);

        var result = await orders.Client.ReplayAsync(
            new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Canary = true, Wait = TimeSpan.FromSeconds(3) }, null, _none);

        (result.Done, result.Selected).ShouldBe((1, 5));
        result.Stopped.ShouldNotBeNull().ShouldContain("left the queue: this application does not report");
        result.Headline.ShouldBe("1 of 5 replayed: 1 left the queue: this application does not report");
        await orders.SeeAsync(Orders.Error, 4);
    }

    [Fact]
    public async Task Paced_replay_returns_messages_to_the_queue_while_it_waits_for_its_next_turn()
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-consumer-timeout"] = 6_000 });
        await orders.PutFaultsAsync(3);
        using var cancel = new CancellationTokenSource();

        var replay = orders.Client.ReplayAsync(
            new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Pace = 0.02, Wait = TimeSpan.Zero }, null, cancel.Token); // one message in 50 s

        await orders.SeeAsync(Orders.Input, 1);
        await Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(Orders.Error), ready => ready == 2, "the other messages are back in the dead-letter queue", TimeSpan.FromSeconds(20));
        await cancel.CancelAsync();
        (await replay).Done.ShouldBe(1);
    }

    [Fact]
    public async Task Dead_letters_hidden_by_delayed_retry_are_counted_and_reading_them_needs_consent()
    {
        using var broker = TestBroker.FromEnvironment();
        var hides = Version.Parse(await broker.VersionAsync()) >= new Version(4, 3);
        await using var orders = await Orders.CreateAsync("quorum", hides
            ? new Dictionary<string, object?> { ["x-delayed-retry-type"] = "all", ["x-delayed-retry-min"] = 60_000, ["x-delayed-retry-max"] = 60_000 }
            : []);
        await orders.PutFaultsAsync(4);

        var withoutConsent = await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error);
        withoutConsent.Code.ShouldBe(hides ? 2 : 0, withoutConsent.ToString());
        if (!hides)
            return;
        withoutConsent.Errors.ShouldContain("delayed retry");
        await orders.SeeAsync(Orders.Error, 4); // the refused command read nothing

        (await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error, "--yes")).Output.ShouldContain("4 of 4");
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(0);
        var again = await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error, "--yes");
        again.Output.ShouldNotContain("No dead letters");
        again.Output.ShouldContain("4 more are hidden by RabbitMQ's delayed retry");
        (await orders.Client.FindQueuesAsync(_none)).Single(queue => queue.Name == Orders.Error).ShouldSatisfyAllConditions(
            queue => queue.Messages.ShouldBe(4), queue => queue.Hidden.ShouldBe(4), queue => queue.HidesReadMessages.ShouldBeTrue());
        var replay = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--where", "id=none", "--yes");
        replay.Code.ShouldBe(1, replay.ToString());
    }

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
