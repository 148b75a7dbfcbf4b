using System.Globalization;
using RabbitMQ.Client;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Web is killed again and again while it puts back messages that failed while their queue was missing.</summary>
public sealed class KilledWebTests
{
    private const int Letters = 4000;
    private const string Queue = "bills_error";

    [Fact]
    public async Task Each_message_is_in_its_queue_once_after_Web_was_killed_while_it_put_them_back()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(system);
        var catalogue = $"Data Source={Path.Combine(system.Folder, "catalogue.db")}";
        system.Settings["ConnectionStrings__Catalogue"] = catalogue;
        await system.PrepareAsync();
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        await channel.ExchangeDeclareAsync(Queue, ExchangeType.Fanout, durable: true);
        await DeclareAsync(channel);
        var web = system.NewWeb();
        await web.StartAsync();
        await Eventually.SeeAsync(
            async () => (await system.VirtualHost.ManagementAsync("bindings/{vhost}")).EnumerateArray().Count(binding => binding.GetProperty("source").GetString() == Queue),
            bindings => bindings == 2, "the feed is bound", TimeSpan.FromSeconds(20));
        await web.KillAsync();
        await channel.QueueDeleteAsync(Queue);
        for (var i = 0; i < Letters; i++)
        {
            var id = Guid.CreateVersion7();
            await channel.BasicPublishAsync(Queue, "", mandatory: true, Orders.Faulted(id, second: i), Orders.Envelope(id, "{}"));
        }
        web = system.NewWeb();
        await web.StartAsync();
        await Eventually.SeeAsync(() => Task.FromResult(Kept(catalogue)), kept => kept == Letters, string.Create(CultureInfo.InvariantCulture, $"{Letters} kept"), TimeSpan.FromSeconds(60));

        await DeclareAsync(channel);
        var (kills, seen) = (0, 0L);
        for (; kills < 6; kills++)
        {
            while ((seen = await system.VirtualHost.ReadyAsync(Queue)) < Math.Min(Letters, (kills * 500) + 1))
                await Task.Delay(1);
            if (seen == Letters)
                break;
            await web.KillAsync();
            web = system.NewWeb();
            await web.StartAsync();
        }
        await Eventually.SeeAsync(() => Task.FromResult(Kept(catalogue)), kept => kept == 0, "none is kept", TimeSpan.FromSeconds(60));
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills");
        kills.ShouldBeGreaterThan(1);
        var ids = (await system.VirtualHost.TakeAllAsync(Queue)).Select(letter => letter.BasicProperties.MessageId).ToList();
        (ids.Count, ids.Distinct().Count()).ShouldBe((Letters, Letters));
    }

    private static async Task DeclareAsync(IChannel channel)
    {
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(Queue, Queue, "");
    }

    private static long Kept(string catalogue)
    {
        Database.TryParse(catalogue, out var database, out _).ShouldBeTrue();
        return database!.Read(statements => statements.Scalar<long>("SELECT count(*) FROM catalogue_letters WHERE state = 5"));
    }
}
