using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Whatever applications, operators and other tools do to a queue, the catalogue ends up with what a reader of the queue finds.</summary>
public sealed class CatalogueRandomActsTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic", 1)]
    [InlineData("classic", 2)]
    [InlineData("quorum", 3)]
    public async Task Catalogue_agrees_with_the_queues_after_random_acts(string type, int seed)
    {
        await using var orders = await Orders.CreateAsync(type);
        var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        var random = new Random(seed);
        var acts = new List<string>();
        try
        {
            for (var round = 0; round < 8; round++)
            {
                for (var act = 0; act < 12; act++)
                    acts.Add(await ActAsync(orders, random));
                if (random.Next(3) == 0)
                {
                    await fed.StopAsync(); // without the acks of what it was writing
                    acts.Add("another host");
                    fed = await fed.StartAnotherAsync();
                }
                foreach (var queue in new[] { Orders.Error, "orders_discarded" })
                {
                    if (await orders.VirtualHost.ReadyAsync(queue) >= 0)
                        await fed.SeeAgreesAsync(queue);
                }
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"After {string.Join(", ", acts.TakeLast(40))}: {e.Message}\n{string.Join('\n', fed.Logged.TakeLast(20))}", e);
        }
        finally
        {
            await fed.DisposeAsync();
        }
    }

    private static async Task<string> ActAsync(Orders orders, Random random)
    {
        var some = await SomeAsync(orders, random);
        switch (random.Next(10))
        {
            case 0 or 1 or 2:
                var count = random.Next(1, 60);
                await CatalogueFeedTests.FailAsync(orders, count);
                return $"{count} failures";
            case 3 or 4:
                var id = new Guid(random.Next(4), 0, 0, new byte[8]); // identical letters, also of earlier rounds
                for (var i = random.Next(1, 4); i > 0; i--)
                    await orders.Channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(id), Orders.Envelope(id, "{}"));
                return "identical failures";
            case 5:
                var replay = await FedCatalogue.WhenFreeAsync(() => orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = some, By = "jane", Wait = TimeSpan.Zero }, null, _none));
                return $"replay of {replay.Done}";
            case 6:
                var discard = await FedCatalogue.WhenFreeAsync(() => orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = some, By = "jane" }, null, _none));
                return $"discard of {discard.Done}";
            case 7:
                if (await orders.VirtualHost.ReadyAsync("orders_discarded") < 1)
                    return "nothing";
                return $"restore of {(await FedCatalogue.WhenFreeAsync(() => orders.Client.RestoreAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none))).Done}";
            case 8:
                var taken = 0;
                while (taken < 5 && await orders.Channel.BasicGetAsync(Orders.Error, autoAck: true) is not null)
                    taken++;
                return $"{taken} taken by another tool";
            default:
                if (random.Next(3) > 0)
                    return "nothing";
                var queue = random.Next(3) == 0 ? CatalogueOptions.FeedQueue : Orders.Error;
                await orders.Channel.QueuePurgeAsync(queue);
                return $"purge of {queue}";
        }
    }

    private static async Task<DeadLetterFilter> SomeAsync(Orders orders, Random random) =>
        random.Next(3) == 0 ? DeadLetterFilter.All
        : (await LetterAsync(orders, random)) is { } letter ? DeadLetterFilter.ById(letter.Id) : DeadLetterFilter.All;

    private static async Task<DeadLetter?> LetterAsync(Orders orders, Random random)
    {
        var letters = (await FedCatalogue.WhenFreeAsync(() => orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1000, "jane", _none))).Letters;
        return letters.Count == 0 ? null : letters[random.Next(letters.Count)];
    }
}
