using System.Diagnostics;
using System.Globalization;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A replay in steps pauses when it would make things worse, and goes on as its operator says.</summary>
public sealed class ReplayPauseTests
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly int _many = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1" ? 5000 : 1000;

    private readonly List<ReplayPause> _pauses = [];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Consumer_that_breaks_at_the_40th_message_spoils_at_most_one_step_and_the_rest_stays_byte_for_byte(bool reports)
    {
        await using var shop = await Shop.CreateAsync(_many, reports);
        var before = await shop.ExportAsync();
        BreakAtThe40th(shop);

        var result = await shop.Client.ReplayAsync(Request() with { WaitAfterCancel = TimeSpan.FromSeconds(20) }, null, _none);

        result.Pause.ShouldNotBeNull().Reason.ShouldBe(PauseReason.Failures);
        result.Stopped.ShouldNotBeNull().ShouldContain(result.Pause.Text);
        result.Done.ShouldBeInRange(39 + 20, 1 + 5 + 20 + 100); // the fourth step ends early if it is seen in time that 20 of its 100 have failed
        var moved = (int)result.Done;
        (shop.Handled.Count, result.Outcomes.FailedAgain).ShouldBe((39, moved - 39)); // 39 were moved in the first steps and the beginning of the fourth
        var after = await shop.ExportAsync();
        Orders.ShouldBeSame(after.Take(_many - moved), before.Skip(moved));
        after.Count.ShouldBe(_many - 39);

        shop.Fails = (_, _) => null;
        (await shop.Client.ReplayAsync(Request(), null, _none)).Done.ShouldBe(_many - 39);
        await Eventually.SeeAsync(() => shop.Handled.Count == _many, "all orders were handled");
        shop.Handled.Order().ShouldBe(Enumerable.Range(0, _many)); // once each
    }

    [Fact]
    public async Task Replay_of_an_application_with_the_package_pauses_when_its_consumer_breaks_leaves_the_rest_byte_for_byte_and_ends_after_the_fix()
    {
        await using var shop = await Shop.CreateAsync(_many, reports: false, hasPackage: true);
        var before = await shop.LookAsync();
        var failed = 0;
        BreakAtThe40th(shop);

        var result = await shop.Client.ReplayAsync(
            Request() with
            {
                OnPause = Ask(async _ =>
                {
                    await Eventually.SeeAsync(() => shop.VirtualHost.ReadyAsync(Shop.Error), ready => ready == _many - 39, "the consumer has failed with the rest of the step, and nothing else is missing");
                    var after = await shop.LookAsync();
                    failed = after.Count(IsReplayed);
                    Orders.ShouldBeSame(after.Take(_many - 39 - failed), before.Skip(39 + failed));
                    shop.Fails = (_, _) => null;
                    return PauseAnswer.Resume;
                }),
            },
            null, _none);

        _pauses.ShouldHaveSingleItem().Reason.ShouldBe(PauseReason.Failures);
        failed.ShouldBeInRange(20, 87); // of the fourth step, which ends early if it is seen in time that 20 of its 100 have failed
        (result.Stopped, result.Done, result.Headline).ShouldBe((null, _many, string.Create(CultureInfo.InvariantCulture, $"{_many:N0} of {_many:N0} replayed: {failed} failed again, {_many - failed:N0} handled")));
        shop.Handled.Count.ShouldBe(_many - failed);
        shop.Handled.Distinct().Count().ShouldBe(_many - failed);
        (await shop.VirtualHost.ReadyAsync(Shop.Error)).ShouldBe(failed);
        result.Replayed.Count(message => message.Outcome == Outcome.Handled && message.Reported is not null).ShouldBe(_many - failed);
    }

    [Fact]
    public async Task Replay_that_is_resumed_after_a_pause_moves_the_rest_once_and_holds_no_message_meanwhile()
    {
        await using var shop = await Shop.CreateAsync(_many, reports: true);
        BreakAtThe40th(shop);

        var result = await shop.Client.ReplayAsync(
            Request() with
            {
                OnPause = Ask(async _ =>
                {
                    await Eventually.SeeAsync(() => shop.VirtualHost.ReadyAsync(Shop.Error), ready => ready == _many - 39, "the consumer has failed with the rest of the step, and nothing else is missing");
                    await Eventually.SeeAsync(() => CountsAsync(shop), counts => counts == (_many - 39, 0), "no channel holds a message of the dead-letter queue");
                    (await Should.ThrowAsync<DeadLetterException>(shop.Client.ReplayAsync(Request(), null, _none))).Problem.ShouldBe(DeadLetterProblem.Locked);
                    shop.Fails = (_, _) => null;
                    return PauseAnswer.Resume;
                }),
            },
            null, _none);

        _pauses.ShouldHaveSingleItem().Text.ShouldEndWith(" messages of the last step failed again");
        (result.Stopped, result.Pause, result.Done).ShouldBe((null, null, _many));
        var failed = (int)result.Outcomes.FailedAgain;
        failed.ShouldBeInRange(20, 87); // of the fourth step, which ends early if it is seen in time that 20 of its 100 have failed
        result.Outcomes.Handled.ShouldBe(_many - failed);
        shop.Handled.Count.ShouldBe(_many - failed);
        (await shop.VirtualHost.ReadyAsync(Shop.Error)).ShouldBe(failed);
    }

    [Fact]
    public async Task Slower_answer_sets_the_pace_of_the_rest()
    {
        await using var shop = await Shop.CreateAsync(30, reports: true);
        shop.Fails = (_, _) => new TimeoutException("The warehouse did not answer");
        var clock = new Stopwatch();

        var result = await shop.Client.ReplayAsync(
            Request() with
            {
                OnPause = Ask(_ =>
                {
                    shop.Fails = (_, _) => null;
                    clock.Start();
                    return Task.FromResult(new PauseAnswer(true, Pace: 10));
                }),
            },
            null, _none);

        _pauses.ShouldHaveSingleItem().ShouldSatisfyAllConditions(pause => pause.Text.ShouldStartWith("1 of 1 messages"), pause => pause.SlowerPace.ShouldBeGreaterThan(0));
        (result.Done, result.Outcomes.Handled).ShouldBe((30, 29));
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2.7)); // 29 messages, the last one due after 2.8 s at least
    }

    [Fact]
    public async Task Paced_step_ends_as_soon_as_its_share_of_failures_is_certain()
    {
        await using var shop = await Shop.CreateAsync(60, reports: true);
        shop.Fails = (_, handled) => handled >= 6 ? new TimeoutException("The warehouse did not answer") : null;

        var result = await shop.Client.ReplayAsync(Request() with { Pace = 2 }, null, _none);

        result.Pause.ShouldNotBeNull().Reason.ShouldBe(PauseReason.Failures);
        result.Done.ShouldBeInRange(6 + 4, 6 + 19); // 4 of 20 are the limit, and its messages take 10 s
    }

    [Fact]
    public async Task New_cause_pauses_at_its_first_message_and_is_accepted_by_a_resume()
    {
        await using var shop = await Shop.CreateAsync(60, reports: true);
        var causes = (await shop.Client.PlanAsync(Request(), null, _none)).Causes;
        shop.Fails = (number, _) => number is 10 or 20 or 40 ? new InvalidOperationException("The order has no address") : number is 12 or 30 ? new TimeoutException("The warehouse did not answer") : null;

        var result = await shop.Client.ReplayAsync(Request() with { Causes = causes, OnPause = Ask(_ => Task.FromResult(PauseAnswer.Resume)) }, null, _none);

        causes.Count.ShouldBe(1);
        _pauses.ShouldHaveSingleItem().ShouldSatisfyAllConditions( // not by the known cause of 12 and 30, and not again by 40
            pause => pause.Reason.ShouldBe(PauseReason.NewCause), pause => pause.Text.ShouldStartWith("A new cause, which none of the selected messages had: System.InvalidOperationException (cause "));
        (result.Done, result.Outcomes.Handled, result.Outcomes.FailedAgain).ShouldBe((60, 55, 5));
    }

    [Fact]
    public async Task Queue_without_a_consumer_gets_one_message_and_the_replay_goes_on_when_the_consumer_is_back()
    {
        await using var shop = await Shop.CreateAsync(30, reports: true);
        await shop.StopAsync();

        var result = await shop.Client.ReplayAsync(
            Request() with
            {
                OnPause = Ask(async _ =>
                {
                    (await shop.VirtualHost.ReadyAsync(Shop.Input)).ShouldBe(1);
                    (await shop.VirtualHost.ReadyAsync(Shop.Error)).ShouldBe(29);
                    await shop.StartAsync();
                    return PauseAnswer.Resume;
                }),
            },
            null, _none);

        _pauses.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            pause => pause.Reason.ShouldBe(PauseReason.NoConsumer), pause => pause.Text.ShouldBe("1 of 1 messages of the last step wait in shop: shop has no consumer"));
        (result.Done, result.Outcomes.Handled, result.IsComplete).ShouldBe((30, 30, true));
    }

    [Fact]
    public async Task Application_that_reports_nothing_gets_all_messages_in_steps_and_no_outcome_is_claimed()
    {
        await using var shop = await Shop.CreateAsync(60, reports: false);
        var largest = 0;
        var progress = new ProgressCallback(now => largest = Math.Max(largest, now.Step));

        var result = await shop.Client.ReplayAsync(Request() with { Wait = TimeSpan.FromSeconds(1), OnPause = Ask(_ => Task.FromResult(PauseAnswer.Stop)) }, progress, _none);

        _pauses.ShouldBeEmpty();
        largest.ShouldBe(4); // 1, 5, 20, 34
        result.Headline.ShouldBe("60 of 60 replayed: 60 left the queue: this application does not report");
        shop.Handled.Order().ShouldBe(Enumerable.Range(0, 60));
    }

    [Fact]
    public async Task Pause_that_nobody_ends_ends_the_replay_after_its_longest_time_and_a_cancel_ends_it_at_once()
    {
        await using var shop = await Shop.CreateAsync(30, reports: true);
        shop.Fails = (_, _) => new TimeoutException("The warehouse did not answer");
        var forgotten = await shop.Client.ReplayAsync(
            Request() with { LongestPause = TimeSpan.FromSeconds(1), OnPause = async (_, ended) => { await Task.Delay(Timeout.Infinite, ended); return PauseAnswer.Resume; } }, null, _none);
        forgotten.Stopped.ShouldNotBeNull().ShouldStartWith("Paused for 0 h without an answer: 1 of 1 messages");

        using var cancel = new CancellationTokenSource();
        var cancelled = await shop.Client.ReplayAsync(
            Request() with { OnPause = async (_, ended) => { await cancel.CancelAsync(); await Task.Delay(Timeout.Infinite, ended); return PauseAnswer.Resume; } }, null, cancel.Token);

        cancelled.Stopped.ShouldNotBeNull().ShouldStartWith("Cancelled: messages that were not moved are still in the queue");
        (await shop.VirtualHost.ReadyAsync(Shop.Error)).ShouldBe(30);
        (forgotten.Done, cancelled.Done).ShouldBe((1, 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Command_without_a_terminal_ends_at_a_pause_with_exit_code_1_and_the_same_command_continues_with_the_rest(bool json)
    {
        await using var shop = await Shop.CreateAsync(200, reports: false);
        BreakAtThe40th(shop);
        string[] command = ["dead-letters", "replay", "--queue", Shop.Error, "--all", "--yes", "--wait", "8s", .. json ? ["--json"] : Array.Empty<string>()];

        var paused = await new OperatorCommand(shop.CommandSettings).RunAsync(command);

        paused.Code.ShouldBe(1, paused.ToString());
        if (json)
        {
            paused.Json.GetProperty("pause").GetProperty("reason").GetString().ShouldBe("failures");
            paused.Json.GetProperty("replayed").GetInt64().ShouldBeInRange(39 + 20, 126);
        }
        else
        {
            paused.Output.ShouldContain(" failed again");
            paused.Output.ShouldContain("Paused: ");
            paused.Output.ShouldContain(" messages of the last step failed again. Messages that were not moved are still in the queue, in their order. Fix the cause, then replay again: it continues with the rest");
        }
        shop.Fails = (_, _) => null;
        var rest = await new OperatorCommand(shop.CommandSettings).RunAsync(command);
        rest.Output.ShouldNotContain("Paused");
        await Eventually.SeeAsync(() => shop.Handled.Count == 200, "all orders were handled");
        shop.Handled.Order().ShouldBe(Enumerable.Range(0, 200));
    }

    [Fact]
    public async Task Command_on_a_terminal_asks_at_a_pause_and_goes_on_with_the_answer()
    {
        await using var shop = await Shop.CreateAsync(30, reports: false);
        shop.Fails = (_, handled) => handled == 0 ? new TimeoutException("The warehouse did not answer") : null;
        using var input = new Typed(() =>
        {
            shop.Fails = (_, _) => null;
            return "s 50";
        });

        var result = await new OperatorCommand(shop.CommandSettings).RunOnTerminalAsync(input, "dead-letters", "replay", "--queue", Shop.Error, "--all", "--yes", "--wait", "1s");

        result.Errors.ShouldSatisfyAllConditions(
            it => it.ShouldContain("Paused: 1 of 1 messages of the last step failed again. Fix the cause, then resume."), it => it.ShouldContain("r resume, s slower ("));
        result.Output.ShouldContain("30 of 30 replayed: 1 failed again, 29 left the queue: this application does not report");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Replay_that_a_user_pauses_leaves_the_rest_byte_for_byte_until_it_is_resumed(bool atOnce)
    {
        await using var shop = await Shop.CreateAsync(60, reports: true);
        var tries = 0;
        shop.Fails = (_, _) => Interlocked.Increment(ref tries) == 4 ? new TimeoutException("The warehouse did not answer") : null;
        var before = await shop.LookAsync();
        string? by = null;
        var progress = new ProgressCallback(now => by = _pauses.Count == 0 && now.Done >= 10 ? "bob" : null);

        var result = await shop.Client.ReplayAsync(
            Request() with
            {
                AllAtOnce = atOnce,
                Pace = 20,
                PauseRequest = () => by,
                OnPause = Ask(async _ =>
                {
                    by = null;
                    await Eventually.SeeAsync(
                        async () => (Left: (await shop.LookAsync()).Count(letter => !IsReplayed(letter)), Handled: shop.Handled.Count), now => now.Left + now.Handled == 59, "one has failed again, and nothing else is missing");
                    var letters = await shop.LookAsync();
                    var rest = letters.Where(letter => !IsReplayed(letter)).ToList();
                    rest.Count.ShouldBeInRange(30, 50);
                    Orders.ShouldBeSame(rest, before.TakeLast(rest.Count));
                    return new PauseAnswer(true, Pace: 1000);
                }),
            },
            progress, _none);

        _pauses.ShouldHaveSingleItem().ShouldSatisfyAllConditions(pause => pause.Reason.ShouldBe(PauseReason.Requested), pause => pause.Text.ShouldBe("requested by bob"), pause => pause.Advice.ShouldBe("Resume"));
        (result.Stopped, result.Done, result.Outcomes.Handled, result.Outcomes.FailedAgain).ShouldBe((null, 60, 59, 1));
        shop.Handled.Distinct().Count().ShouldBe(59);
        (await shop.Client.Audit.ReadAsync(Shop.Error, 1, _none)).Single().Results.ShouldBe("1 failed again, 59 handled; paused by bob");
    }

    [Theory]
    [InlineData(10)]
    [InlineData(2)] // the next message is the last one
    public async Task Pause_takes_effect_while_a_slow_pace_waits_for_the_next_message_and_ends_the_replay_if_nobody_answers(int count)
    {
        await using var shop = await Shop.CreateAsync(count, reports: true);
        var before = await shop.ExportAsync();
        var clock = Stopwatch.StartNew();
        string? by = null;
        var replay = shop.Client.ReplayAsync(Request() with { AllAtOnce = true, Pace = 1.0 / 120, PauseRequest = () => by }, null, _none);
        await Eventually.SeeAsync(() => shop.Handled.Count == 1, "the first message was handled");
        by = "bob";
        var result = await replay;

        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60)); // the second message is due after 120 s
        result.Stopped.ShouldBe("Paused: requested by bob. Messages that were not moved are still in the queue, in their order. Replay again: it continues with the rest");
        result.Done.ShouldBe(1);
        Orders.ShouldBeSame(await shop.ExportAsync(), before.Skip(1));
    }

    [Fact]
    public async Task All_at_once_has_no_steps_and_no_pauses()
    {
        await using var shop = await Shop.CreateAsync(60, reports: true);
        shop.Fails = (_, _) => new InvalidOperationException("The order has no address");

        var result = await shop.Client.ReplayAsync(Request() with { AllAtOnce = true, OnPause = Ask(_ => Task.FromResult(PauseAnswer.Stop)) }, null, _none);

        _pauses.ShouldBeEmpty();
        (result.Done, result.Outcomes.FailedAgain).ShouldBe((60, 60));
    }

    private static bool IsReplayed(string letter) => letter.Contains("Replay-Id", StringComparison.Ordinal);

    private static void BreakAtThe40th(Shop shop) => shop.Fails = (_, handled) => handled >= 39 ? new TimeoutException("The warehouse did not answer") : null;

    private static ReplayRequest Request() => new() { Queue = Shop.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.FromSeconds(20), WaitAfterCancel = TimeSpan.FromSeconds(2) };

    // The management API's figures are some seconds late, so the ready messages show whether those that are unacknowledged are the current ones.
    private static async Task<(long Ready, long Unacked)> CountsAsync(Shop shop)
    {
        var queue = await shop.VirtualHost.ManagementAsync("queues/{vhost}/" + Shop.Error);
        return queue.TryGetProperty("messages_unacknowledged", out var unacked) ? (queue.GetProperty("messages_ready").GetInt64(), unacked.GetInt64()) : (-1, -1);
    }

    private Func<ReplayPause, CancellationToken, Task<PauseAnswer>> Ask(Func<ReplayPause, Task<PauseAnswer>> answer) => (pause, _) =>
    {
        _pauses.Add(pause);
        return answer(pause);
    };

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }

    /// <summary>An operator who types one line when asked.</summary>
    private sealed class Typed(Func<string> line) : TextReader
    {
        public override string? ReadLine() => line();
    }
}
