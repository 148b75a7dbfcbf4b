using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Our own operations, in this or another process, report to the catalogue what they moved.</summary>
public sealed class CatalogueOperationTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Replayed_letters_are_marked_with_their_operation_and_operator_without_a_read()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 1500);
        await fed.SeeAgreesAsync(Orders.Error, 1500);
        var walked = (await fed.RowAsync(Orders.Error))!.WalkedAt;

        var replay = await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none);

        await fed.SeeAgreesAsync(Orders.Error, 0);
        var left = await LeftAsync(fed, LetterState.Replayed);
        left.Count.ShouldBe(1500);
        left.ShouldAllBe(letter => letter.Operation == replay.Id && letter.By == "jane");
        (await fed.RowAsync(Orders.Error))!.WalkedAt.ShouldBe(walked);
    }

    [Fact]
    public async Task Repaired_letters_are_marked_as_replayed()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 3);
        await fed.SeeAgreesAsync(Orders.Error, 3);
        var patch = MessagePatch.Parse("""[{ "op": "add", "path": "/repaired", "value": true }]""");

        var repair = await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Patch = patch, Wait = TimeSpan.Zero }, null, _none);

        repair.Done.ShouldBe(3);
        await fed.SeeAgreesAsync(Orders.Error, 0);
        (await LeftAsync(fed, LetterState.Replayed)).Select(letter => letter.Operation).ShouldBe([repair.Id, repair.Id, repair.Id]);
    }

    [Fact]
    public async Task Discarded_letters_are_in_the_discarded_queue_and_restored_ones_are_back()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 4);
        await fed.SeeAgreesAsync(Orders.Error, 4);

        (await orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none)).Done.ShouldBe(4);
        await fed.SeeAgreesAsync(Orders.Error, 0);
        await fed.SeeAgreesAsync("orders_discarded", 4);
        (await LeftAsync(fed, LetterState.Discarded)).Count.ShouldBe(4);

        (await orders.Client.RestoreAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "joe" }, null, _none)).Done.ShouldBe(4);
        await fed.SeeAgreesAsync("orders_discarded", 0);
        await fed.SeeAgreesAsync(Orders.Error, 4);
        (await LeftAsync(fed, LetterState.Restored)).Select(letter => (letter.Queue, letter.By)).Distinct().ShouldBe([("orders_discarded", "joe")]);
    }

    [Fact]
    public async Task Removed_letters_leave_nothing_in_the_catalogue()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 3);
        await fed.SeeAgreesAsync(Orders.Error, 3);
        var id = (await fed.IdsAsync(Orders.Error))[0];

        (await orders.Client.RemoveAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById(id), By = "jane" }, null, _none)).Done.ShouldBe(1);

        await fed.SeeAgreesAsync(Orders.Error, 2);
        (await fed.Store.Reader.FindAsync("test", Orders.Error, id, _none)).ShouldBeNull();
        (await fed.Store.Reader.LettersAsync(CatalogueQuery.All with { State = null }, 0, 100, _none)).Matching.ShouldBe(2);
    }

    [Fact]
    public async Task Imported_letters_are_found()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        using var file = new MemoryStream();
        await orders.Client.ExportAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, file, null, _none);
        await orders.Channel.QueuePurgeAsync(Orders.Error);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        (await orders.Client.ImportAsync(new ImportRequest { By = "jane" }, file, null, _none)).Done.ShouldBe(3);
        await fed.SeeAgreesAsync(Orders.Error, 3);
    }

    [Fact]
    public async Task Letters_whose_notice_is_lost_are_found_by_their_number()
    {
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 10);
        await fed.SeeAgreesAsync(Orders.Error, 10);
        await fed.SeeSeenAsync(10);
        await fed.StopAsync();
        await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none);
        (await orders.Channel.QueuePurgeAsync(CatalogueOptions.FeedQueue)).ShouldBeGreaterThan(0u);
        await using var next = await fed.StartAnotherAsync();
        await next.SeeAgreesAsync(Orders.Error, 0);
        (await LeftAsync(next, LetterState.Gone)).Count.ShouldBe(10);
    }

    [Fact]
    public async Task Notice_contains_ids_and_the_operator_and_nothing_of_the_messages()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.QueueDeclareAsync(CatalogueOptions.FeedQueue, durable: true, exclusive: false, autoDelete: false);
        await orders.PutFaultsAsync(3);
        var ids = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none)).Letters.Select(letter => letter.Id).ToList();
        var replay = await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none);
        var notices = await orders.VirtualHost.TakeAllAsync(CatalogueOptions.FeedQueue);
        notices.ShouldAllBe(notice => notice.BasicProperties.Type == FeedNotice.MessageType);
        var read = notices.Select(notice => FeedNotice.Read(notice.Body.Span)!).ToList();
        read.SelectMany(notice => notice.Ids).ShouldBe(ids);
        read.ShouldAllBe(notice => notice.Operation == replay.Id && notice.Verb == "replay" && notice.LetterQueue == Orders.Error && notice.By == "jane");
        System.Text.Json.JsonDocument.Parse(notices[0].Body).RootElement.EnumerateObject().Select(field => field.Name)
            .ShouldBe(["version", "operation", "verb", "queue", "ids", "by", "at"], ignoreOrder: true);
    }

    [Fact]
    public async Task Operation_without_a_catalogue_declares_no_feed_queue_and_works()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        (await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none)).Done.ShouldBe(3);
        (await orders.VirtualHost.ReadyAsync(CatalogueOptions.FeedQueue)).ShouldBe(-1);
    }

    [Fact]
    public async Task Operation_ends_the_catalogues_read_of_the_queue_instead_of_being_refused()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(20_000);
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeRowAsync(Orders.Error, row => row is { IsWalking: true, Walked: > 0 }, "is being read");

        (await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none)).Done.ShouldBe(20_000);

        fed.Logged.ShouldContain(line => line.Contains("ended early: An operation waits", StringComparison.Ordinal));
        await fed.SeeAgreesAsync(Orders.Error, 0);
    }

    private static async Task<IReadOnlyList<CatalogueLetter>> LeftAsync(FedCatalogue fed, LetterState state) =>
        (await fed.Store.Reader.LettersAsync(CatalogueQuery.All with { State = state }, 0, 5000, _none)).Letters;
}
