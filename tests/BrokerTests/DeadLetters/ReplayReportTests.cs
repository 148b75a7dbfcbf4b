using System.Net.Http.Json;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Outcomes that the application reports: exact, also on a queue that is never empty.</summary>
public sealed class ReplayReportTests
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1";

    [Fact]
    public async Task Each_outcome_on_a_queue_that_is_never_empty_is_what_the_application_did()
    {
        var count = _isLong ? 1000 : 200;
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(count);
        await using var busy = await BusyQueue.StartAsync(orders);
        await using var application = await ReportingApplication.StartAsync(orders, HandlingOf, SlowOrBusy);

        var result = await orders.Client.ReplayAsync(Request(TimeSpan.FromMinutes(3)) with { FollowsLater = true }, null, _none);

        busy.Lowest.ShouldBeGreaterThan(0);
        result.Done.ShouldBe(count);
        result.ReportsProblem.ShouldBeNull();
        result.Outcomes.Unknown.ShouldBe(0, result.Headline);
        await using var later = result.Later.ShouldNotBeNull();
        var messages = await Eventually.SeeAsync(() => Task.FromResult(later.Replayed), all => all.All(message => message.Outcome != Outcome.Delayed), "the delayed ones were handled", TimeSpan.FromSeconds(60));
        messages.Where(message => message.Outcome != application.Own[message.ReplayId]).ShouldBeEmpty();
        foreach (var outcome in new[] { Outcome.Handled, Outcome.FailedAgain, Outcome.Skipped })
            messages.Count(message => message.Outcome == outcome).ShouldBe(Enumerable.Range(0, count).Count(number => Final(HandlingOf(number)) == outcome), $"{outcome}");
        result.Replayed.Where(message => message.Outcome is Outcome.FailedAgain or Outcome.Skipped).ShouldAllBe(message => message.NewLetter != null);
        messages.Where(message => message.Outcome == Outcome.Handled).ShouldAllBe(message => message.Reported!.Consumer == "Orders.PlaceOrderConsumer" && message.Reported.Version == "2.4.0" && message.Reported.Milliseconds >= 0);
        messages.Count(message => message.Reported?.Milliseconds >= 24_000).ShouldBeGreaterThan(0); // the slow ones
    }

    [Fact]
    public async Task Canary_goes_on_when_its_message_was_handled_although_the_queue_is_never_empty()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(10);
        await using var busy = await BusyQueue.StartAsync(orders);
        await using var application = await ReportingApplication.StartAsync(orders, _ => Handling.Succeeds, SlowOrBusy);

        var result = await orders.Client.ReplayAsync(Request(TimeSpan.FromMinutes(2)) with { Canary = true }, null, _none);

        busy.Lowest.ShouldBeGreaterThan(0);
        (result.Stopped, result.Headline).ShouldBe((null, "10 of 10 replayed: 10 handled"));
    }

    [Fact]
    public async Task Canary_that_is_reported_as_failed_leaves_the_other_dead_letters_in_the_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(10);
        await using var application = await ReportingApplication.StartAsync(orders, _ => Handling.Fails);

        var result = await orders.Client.ReplayAsync(Request(TimeSpan.FromMinutes(1)) with { Canary = true }, null, _none);

        result.Headline.ShouldBe("1 of 10 replayed: 1 failed again");
        result.Replayed.Single().NewLetter.ShouldNotBeNull().Queue.ShouldBe(Orders.Error);
        await orders.SeeAsync(Orders.Error, 10);
    }

    [Fact]
    public async Task Outcomes_after_a_cancel_are_what_the_application_did()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(100);
        await using var busy = await BusyQueue.StartAsync(orders, backlog: 200);
        await using var application = await ReportingApplication.StartAsync(orders, number => number % 3 == 0 && !BusyQueue.Is(number) ? Handling.Fails : Handling.Succeeds, number => BusyQueue.Is(number) ? TimeSpan.FromSeconds(1) : TimeSpan.Zero);
        using var cancel = new CancellationTokenSource();
        var progress = new ProgressCallback(now =>
        {
            if (now.Done >= 20)
                cancel.Cancel();
        });

        var result = await orders.Client.ReplayAsync(Request(TimeSpan.FromMinutes(3)) with { Pace = 10, WaitAfterCancel = TimeSpan.FromMinutes(2) }, progress, cancel.Token);

        result.Stopped.ShouldNotBeNull().ShouldContain("Cancelled");
        result.Done.ShouldBeInRange(20, 60);
        busy.Lowest.ShouldBeGreaterThan(0);
        result.Outcomes.Unknown.ShouldBe(0, $"{result.Headline}; {string.Join(", ", result.Replayed.Where(message => message.Outcome == Outcome.Waiting).Select(message => $"{message.ReplayId} {application.Own.ContainsKey(message.ReplayId)}"))}");
        result.Replayed.Where(message => message.Outcome != application.Own[message.ReplayId]).ShouldBeEmpty();
    }

    [Fact]
    public async Task Message_that_a_consumer_holds_is_taken_and_an_empty_queue_claims_nothing_in_an_application_that_reports()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(10);
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 0 ? Handling.Succeeds : Handling.Holds, concurrency: 3);

        var replay = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--wait", "6s", "--yes", "--json");

        replay.Code.ShouldBe(1, replay.ToString());
        var outcomes = replay.Json.GetProperty("outcomes").EnumerateArray().ToList();
        outcomes.Select(message => message.GetProperty("outcome").GetString()).Order(StringComparer.Ordinal)
            .ShouldBe(["handled", "taken", "taken", "taken", .. Enumerable.Repeat("waiting", 6)]);
        outcomes[0].GetProperty("reported").GetProperty("consumer").GetString().ShouldBe("Orders.PlaceOrderConsumer");
        replay.Json.GetProperty("counts").GetProperty("taken").GetInt32().ShouldBe(3);
        (await orders.Client.Audit.ReadAsync(Orders.Error, 1, _none)).Single().Results.ShouldBe("1 handled, 3 taken, no word yet, 6 may still be in the queue");
    }

    [Fact]
    public async Task Outcome_after_the_end_of_the_replay_is_followed_without_a_catalogue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(5);
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 0 ? Handling.Fails : Handling.Succeeds, _ => TimeSpan.FromSeconds(15));

        var result = await orders.Client.ReplayAsync(Request(TimeSpan.FromSeconds(5)) with { FollowsLater = true }, null, _none);

        result.Headline.ShouldBe("5 of 5 replayed: 5 taken, no word yet");
        await using var later = result.Later.ShouldNotBeNull();
        await Eventually.SeeAsync(() => Task.FromResult(OutcomeCounts.Count(later.Replayed)), counts => counts is { Handled: 4, FailedAgain: 1 }, "the reports came");
    }

    [Fact]
    public async Task Forged_and_malformed_reports_change_nothing()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(4);
        var channel = await orders.VirtualHost.OpenChannelAsync();
        await channel.ExchangeDeclareAsync(ReplayReport.Exchange, ExchangeType.Topic, durable: true);
        var id = Guid.CreateVersion7().ToString("N");
        using var forging = new CancellationTokenSource();
        var forge = Task.Run(async () =>
        {
            while (!forging.IsCancellationRequested)
            {
                foreach (var number in new[] { "5", "99999", "0", "-1", "01", "1.1", "x", "9223372036854775807" })
                    await ReportingApplication.ReportAsync(channel, Report($"{id}.{number}"));
                await ReportingApplication.ReportAsync(channel, Report("0199c4f0000070008000000000000001.1"));
                foreach (var body in new[] { "", "{", "null", $$"""{"replayId":"{{id}}.2","kind":"handled"}""", new string('x', 100_000) })
                    await channel.BasicPublishAsync(ReplayReport.Exchange, $"{id}.1", mandatory: false, new BasicProperties { Type = ReplayReport.Type }, Encoding.UTF8.GetBytes(body));
                await channel.BasicPublishAsync(ReplayReport.Exchange, $"{id}.1", mandatory: false, new BasicProperties { Type = "of another kind" }, Report($"{id}.1").ToJson());
                await channel.BasicPublishAsync(ReplayReport.Exchange, $"{id}.1", mandatory: false, new BasicProperties { Type = ReplayReport.Type }, Report($"{id}.2").ToJson());
                await Task.Delay(20);
            }
        });
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 3 ? Handling.Succeeds : Handling.Holds);

        var result = await orders.Client.ReplayAsync(Request(TimeSpan.FromSeconds(5)) with { OperationId = id }, null, _none);

        await forging.CancelAsync();
        await forge;
        result.Id.ShouldBe(id);
        result.Replayed.Select(message => message.Outcome).ShouldBe([Outcome.Taken, Outcome.Taken, Outcome.Taken, Outcome.Handled]);
    }

    [Fact]
    public async Task Without_the_right_to_the_exchange_the_replay_works_and_says_what_to_grant()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        using var broker = TestBroker.FromEnvironment();
        var user = $"replay-{Guid.NewGuid():N}"[..16];
        await DeadLetterPages.AddUserAsync(broker, user, "monitoring");
        const string rights = "^(amq\\.default|dead-letters-lock:.*|orders.*)$";
        (await broker.Management.PutAsJsonAsync($"/api/permissions/{orders.VirtualHost.Name}/{user}", new { configure = rights, write = rights, read = rights })).EnsureSuccessStatusCode();
        using var client = new DeadLetterClient(DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString(user), broker.Management.BaseAddress!), orders.Client.Audit);
        await using var application = await ReportingApplication.StartAsync(orders, _ => Handling.Succeeds);

        var result = await client.ReplayAsync(Request(TimeSpan.FromSeconds(3)), null, _none);

        result.Done.ShouldBe(2);
        result.ReportsProblem.ShouldBe($"What the application reports can’t be received: give the RabbitMQ user {user} the permissions configure, write and read on dead-letters.reports");
        result.Outcomes.Waiting.ShouldBe(2); // the queue is empty, and whether the application reports is not known
    }

    internal static Handling HandlingOf(int number) => BusyQueue.Is(number) ? Handling.Succeeds
        : number % 7 == 0 ? Handling.Fails
        : number % 11 == 0 ? Handling.Skips
        : number % 13 == 0 ? Handling.Delays
        : Handling.Succeeds;

    // At most 64 at once: about 60 a second of the usual traffic.
    private static TimeSpan SlowOrBusy(int number) =>
        BusyQueue.Is(number) ? TimeSpan.FromSeconds(1) : number % 20 == 3 ? TimeSpan.FromSeconds(25) : TimeSpan.FromMilliseconds(number % 10);

    internal static Outcome Final(Handling handling) => handling switch
    {
        Handling.Fails => Outcome.FailedAgain,
        Handling.Skips => Outcome.Skipped,
        _ => Outcome.Handled,
    };

    private static ReplayReport Report(string id) => new() { ReplayId = id, Kind = ReportKind.Handled, At = DateTimeOffset.UtcNow, Queue = Orders.Input };

    internal static ReplayRequest Request(TimeSpan wait) => new() { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = wait, AllAtOnce = true };

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
