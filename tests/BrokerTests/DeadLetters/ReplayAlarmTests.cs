using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Replays during an alarm of the broker. The tests have their own broker, because an alarm affects all of its clients.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class ReplayAlarmTests(ABrokerToStop broker)
{
    private const string Earlier = "0197f2a01c5e7cc39d7e3d1f2a3b4c5d"; // the id of a replay
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("memory", "it is low on memory")]
    [InlineData("disk", "it is low on disk space")]
    public async Task Replay_and_dry_run_during_an_alarm_move_nothing_and_say_why_at_once(string resource, string reason)
    {
        var sentence = $"RabbitMQ takes no messages now: {reason}. Messages that were not moved are still in the queue: run the operation again when the alarm is over";
        await using var orders = await CreateAsync();
        await orders.PutFaultsAsync(3);
        await broker.Broker.SetAlarmAsync(true, resource);
        try
        {
            foreach (var operate in new[] { orders.Client.ReplayAsync, orders.Client.PlanAsync })
            {
                var refused = await Should.ThrowAsync<DeadLetterException>(operate(Request(), null, _none).WaitAsync(TimeSpan.FromSeconds(15))); // without an answer, it ends after 30 s
                (refused.Problem, refused.Message).ShouldBe((DeadLetterProblem.Blocked, sentence));
            }
            // Without the management API, only the connection reports the alarm, in other words.
            foreach (var command in new[] { orders.Command, orders.CommandWithoutManagement })
            {
                foreach (var option in new[] { "--yes", "--dry-run" })
                {
                    var run = await command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", option).WaitAsync(TimeSpan.FromSeconds(15));
                    run.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(3, it.ToString()), it => it.Errors.ShouldContain(sentence));
                }
            }
            (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(3);
            (await orders.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(0);
        }
        finally
        {
            await broker.Broker.SetAlarmAsync(false, resource);
        }
    }

    [Fact]
    public async Task Memory_alarm_during_a_replay_is_reported_and_unconfirmed_messages_are_settled_by_the_next_replay()
    {
        await using var orders = await CreateAsync();
        var ids = await orders.PutFaultsAsync(200);
        using var cancel = new CancellationTokenSource();
        var blocked = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var moving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var replay = orders.Client.ReplayAsync(Request() with { Pace = 2 }, new ProgressCallback(now =>
        {
            if (now.Done > 1)
                moving.TrySetResult();
            if (now.Blocked is { } reason)
                blocked.TrySetResult(reason);
        }), cancel.Token);
        await moving.Task.WaitAsync(TimeSpan.FromSeconds(30));

        OperationResult result;
        await broker.Broker.SetAlarmAsync(true);
        try
        {
            if (await Task.WhenAny(blocked.Task, replay).WaitAsync(TimeSpan.FromSeconds(30)) == replay)
                throw new InvalidOperationException($"The replay ended before it reported the alarm: {(await replay).Done} moved");
            (await blocked.Task).ShouldBe("it is low on memory");
            await cancel.CancelAsync();
            result = await replay.WaitAsync(TimeSpan.FromSeconds(15)); // RabbitMQ.Client's own close would take 35 s
        }
        finally
        {
            await broker.Broker.SetAlarmAsync(false);
        }

        // Each message stayed, was moved, or is reported in doubt. A message that is in two queues is always reported.
        await Eventually.SeeAsync(
            async () => (await orders.VirtualHost.ReadyAsync(Orders.Error)) + result.Done, sum => sum == 200, "the dead-letter queue and the moved messages add up to 200");
        var arrived = await Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(Orders.Input), ready => ready >= result.Done, "the moved messages are in the input queue");
        arrived.ShouldBeLessThanOrEqualTo(result.Done + result.Doubts.Count);
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none))[0].Doubts.Count.ShouldBe(result.Doubts.Count);

        // The next replay moves the rest.
        var next = await orders.Client.ReplayAsync(Request(), null, _none);
        (next.Done + result.Done).ShouldBe(200);
        (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Select(message => message.BasicProperties.MessageId).Distinct().Order().ShouldBe(ids.Select(id => id.ToString()).Order());
    }

    [Fact]
    public async Task Alarm_pauses_a_replay_in_steps_and_a_resume_after_it_moves_the_rest_without_losing_a_message()
    {
        await using var orders = await CreateAsync();
        var ids = await orders.PutFaultsAsync(60);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, _) => Handling.Succeeds);
        using var client = new DeadLetterClient(orders.Options with { Timeout = TimeSpan.FromSeconds(3) }, orders.Client.Audit);
        var pauses = new List<ReplayPause>();
        var alarm = Task.CompletedTask;
        var progress = new ProgressCallback(now =>
        {
            if (now.Done >= 8 && alarm.IsCompletedSuccessfully && pauses.Count == 0)
                alarm = Task.Run(() => broker.Broker.SetAlarmAsync(true), _none);
        });
        OperationResult result;
        try
        {
            result = await client.ReplayAsync(
                Request() with
                {
                    Pace = 5,
                    Wait = TimeSpan.FromSeconds(5),
                    OnPause = async (pause, _) =>
                    {
                        pauses.Add(pause);
                        await alarm;
                        if (pauses.Count > 1) // the first answer comes too early: the replay stays paused
                            await broker.Broker.SetAlarmAsync(false);
                        else
                            (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBeGreaterThan(30);
                        return PauseAnswer.Resume;
                    },
                },
                progress, _none);
        }
        finally
        {
            await alarm;
            await broker.Broker.SetAlarmAsync(false);
        }

        pauses.Count.ShouldBeGreaterThan(1);
        pauses.ShouldAllBe(pause => pause.Reason == PauseReason.Blocked && pause.Text == "RabbitMQ accepts no messages: it is low on memory");
        (result.Done + result.Doubts.Count).ShouldBe(60);
        await Eventually.SeeAsync(() => consumer.Numbers.Distinct().Count() == 60, "all orders arrived");
        consumer.Numbers.Count.ShouldBeLessThanOrEqualTo(60 + result.Doubts.Count);
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(result.Doubts.Count);
        ids.Count.ShouldBe(60);
    }

    [Fact]
    public async Task Unconfirmed_copy_that_failed_again_is_not_replayed_beside_its_original()
    {
        await using var orders = await CreateAsync();
        var id = (await orders.PutFaultsAsync(1))[0];
        var original = (await orders.Client.FindAsync(Orders.Error, id.ToString(), "jane", _none)).ShouldNotBeNull();
        await WriteDoubtAsync(orders, original);

        (await orders.Client.PlanAsync(Request(), null, _none)).Replayed.Single().Verdict.Text.ShouldContain("never confirmed");

        await PutCopyAsync(orders, id, original);
        await orders.SeeAsync(Orders.Error, 2);
        var result = await orders.Client.ReplayAsync(Request(), null, _none);

        (result.Settled, result.Replayed.Count).ShouldBe((1, 1));
        await orders.SeeAsync(Orders.Error, 0);
        (await orders.VirtualHost.TakeAllAsync(Orders.Input)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Message_that_is_only_removed_does_not_use_up_the_canary()
    {
        await using var orders = await CreateAsync();
        var ids = await orders.PutFaultsAsync(3);
        var original = (await orders.Client.FindAsync(Orders.Error, ids[0].ToString(), "jane", _none)).ShouldNotBeNull();
        await WriteDoubtAsync(orders, original);
        await PutCopyAsync(orders, ids[0], original);
        await orders.SeeAsync(Orders.Error, 4);

        var result = await orders.Client.ReplayAsync(Request() with { Canary = true, Wait = TimeSpan.FromSeconds(1) }, null, _none);

        result.Stopped.ShouldNotBeNull().ShouldStartWith("Canary");
        (result.Settled, result.Replayed.Count).ShouldBe((1, 1));
        result.Headline.ShouldStartWith("1 of ");
        await orders.SeeAsync(Orders.Error, 2);
    }

    // A replay that published the message, and whose confirm never came.
    private static Task WriteDoubtAsync(Orders orders, DeadLetter original) => orders.Client.Audit.WriteAsync(
        new AuditEntry
        {
            Id = Earlier,
            At = DateTimeOffset.UtcNow,
            By = "jane",
            Verb = "replay",
            Queue = Orders.Error,
            Doubts = [new Doubt(original.Id, original.MessageId, $"{Earlier}.1")],
        },
        _none);

    // The message that this replay published, dead-lettered again.
    private static async Task PutCopyAsync(Orders orders, Guid id, DeadLetter original)
    {
        var copy = Orders.Faulted(id);
        copy.Headers!["Replay-Id"] = $"{Earlier}.1";
        copy.Headers["Replay-Count"] = 1;
        await orders.PutAsync(copy, original.Body.ToArray());
    }

    private async Task<Orders> CreateAsync()
    {
        await broker.Broker.StartAsync(); // an earlier test may have left the broker stopped
        return await Orders.CreateAsync(broker: broker.Broker.ForOneSystem());
    }

    private static ReplayRequest Request() => new() { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero };

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
