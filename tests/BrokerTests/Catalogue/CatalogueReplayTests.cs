using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The catalogue keeps what becomes of replayed messages, also after the end of the replay and while no host runs.</summary>
public sealed class CatalogueReplayTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Outcomes_after_the_end_of_a_replay_are_what_the_application_did()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await StartAsync(orders);
        await CatalogueFeedTests.FailAsync(orders, 60);
        await fed.SeeAgreesAsync(Orders.Error, 60);

        var replay = await orders.Client.ReplayAsync(Request(), null, _none);
        (await SeeAsync(fed, replay.Id, operation => operation.Total == 60)).Counts.Unknown.ShouldBe(60);
        await using var application = await ReportingApplication.StartAsync(orders, HandlingOf, _ => TimeSpan.FromSeconds(1), concurrency: 10);

        var operation = await SeeAsync(fed, replay.Id, operation => operation.Counts is { Unknown: 0, Delayed: 0 } && operation.Listed.All(one => one.Message.Outcome == Outcome.Handled || one.Message.NewLetter is not null));
        operation.Listed.Where(one => one.Message.Outcome != application.Own[one.Message.ReplayId]).ShouldBeEmpty();
        var failed = operation.Listed.Where(one => one.Message.Outcome == Outcome.FailedAgain).ToList();
        failed.ShouldNotBeEmpty();
        failed.ShouldAllBe(one => one.Message.NewLetter!.Queue == Orders.Error && one.Message.NewLetter.Reason == "It is still broken" && one.Message.MessageId != null);
        (await fed.Store.Reader.FindAsync("test", Orders.Error, failed[0].Message.NewLetter!.Id, _none)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Reports_about_operations_that_nobody_started_are_not_shown_and_a_notice_is_taken_from_the_queue_only()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await StartAsync(orders);
        var forged = Guid.CreateVersion7().ToString("N");
        var notice = new ReplayNotice { Operation = forged, LetterQueue = Orders.Error, At = DateTimeOffset.UtcNow, Messages = [new ReplayedItem(1, "00000000000000aa", Orders.Input)] }.Write();
        await ReportingApplication.ReportAsync(orders.Channel, new ReplayReport { ReplayId = $"{forged}.1", Kind = ReportKind.Handled, At = DateTimeOffset.UtcNow, Queue = Orders.Input });
        foreach (var body in new[] { "", "{}", "null", "{\"operation\":\"x\",\"queue\":\"y\",\"at\":\"2026-11-29T12:00:00Z\",\"messages\":[null]}", new string('x', 100_000) })
        {
            foreach (var type in new[] { ReplayReport.Type, ReplayNotice.MessageType })
            {
                await orders.Channel.BasicPublishAsync(ReplayReport.Exchange, $"{forged}.1", mandatory: true, new BasicProperties { Type = type }, Encoding.UTF8.GetBytes(body));
                await orders.Channel.BasicPublishAsync("", ReplayNotice.Queue, mandatory: true, new BasicProperties { Type = type }, Encoding.UTF8.GetBytes(body));
            }
        }
        await orders.Channel.BasicPublishAsync(ReplayReport.Exchange, $"{forged}.1", mandatory: true, new BasicProperties { Type = ReplayNotice.MessageType }, notice); // as an application could
        await orders.SeeAsync(ReplayNotice.Queue, 0);
        await Task.Delay(1000);
        (await fed.Store.Reader.ReplaysOfOperationAsync(forged, 10, _none)).ShouldBeNull();

        await orders.Channel.BasicPublishAsync("", ReplayNotice.Queue, mandatory: true, new BasicProperties { Type = ReplayNotice.MessageType }, notice);
        (await SeeAsync(fed, forged, operation => operation.Total == 1)).Counts.Handled.ShouldBe(1); // all before it were read, and the feed goes on
    }

    [Fact]
    public async Task Without_the_package_the_catalogue_claims_no_more_than_that_the_messages_left_their_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await StartAsync(orders);
        await orders.PutFaultsAsync(10);
        await fed.SeeAgreesAsync(Orders.Error, 10);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, number) => number < 3 ? Handling.Fails : Handling.Succeeds);

        var replay = await orders.Client.ReplayAsync(Request() with { Wait = TimeSpan.FromSeconds(4) }, null, _none);

        replay.Headline.ShouldBe("10 of 10 replayed: 3 failed again, 7 left the queue: this application does not report");
        var operation = await SeeAsync(fed, replay.Id, operation => operation.Counts is { FailedAgain: 3, LeftQueue: 7 });
        operation.Listed.Take(3).ShouldAllBe(one => one.Message.NewLetter!.Queue == Orders.Error);
    }

    internal static async Task<FedCatalogue> StartAsync(Orders orders)
    {
        var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(ReplayNotice.Queue), ready => ready == 0, "the queue of the reports exists", TimeSpan.FromSeconds(10));
        return fed;
    }

    internal static async Task<FollowedOperation> SeeAsync(FedCatalogue fed, string operation, Func<FollowedOperation, bool> satisfies) =>
        (await Eventually.SeeAsync(() => fed.Store.Reader.ReplaysOfOperationAsync(operation, 1000, _none), seen => seen is not null && satisfies(seen), "the catalogue has the outcomes", TimeSpan.FromSeconds(40)))!;

    private static Handling HandlingOf(int number) => number % 7 == 0 ? Handling.Fails : number % 11 == 0 ? Handling.Skips : number % 13 == 0 ? Handling.Delays : Handling.Succeeds;

    internal static ReplayRequest Request() => new() { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero, AllAtOnce = true };
}
