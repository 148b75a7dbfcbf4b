using System.Collections.Concurrent;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The RabbitMQ user that <c>workinit dead-letters grant</c> makes: what it can do, and what it can't.</summary>
public sealed class GrantTests
{
    private const string Queues = "orders,billing";
    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1";

    [Theory]
    [InlineData("*")]
    [InlineData(Queues)]
    public async Task Granted_user_does_everything_that_the_console_does(string queues)
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.CreateUserAsync("--queues", queues);
        await shop.OperateAsync();
    }

    [Fact]
    public async Task Granted_user_can_do_nothing_else()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.Orders.Channel.ExchangeDeclareAsync("Shop:OrderPlaced", ExchangeType.Fanout, durable: true);
        await shop.Orders.Channel.QueueDeclareAsync("payments_error", durable: true, exclusive: false, autoDelete: false);
        await using var other = await Orders.CreateAsync();
        await shop.CreateUserAsync("--queues", "orders*,billing");

        var refused = new Dictionary<string, Func<IChannel, Task>>
        {
            ["delete an input queue"] = channel => channel.QueueDeleteAsync(Orders.Input),
            ["delete a dead-letter queue"] = channel => channel.QueueDeleteAsync(Orders.Error),
            ["purge an input queue"] = channel => channel.QueuePurgeAsync(Orders.Input),
            ["consume from an input queue"] = channel => channel.BasicGetAsync(Orders.Input, autoAck: false),
            ["read dead letters of another application"] = channel => channel.BasicGetAsync("payments_error", autoAck: false),
            ["declare a queue"] = channel => channel.QueueDeclareAsync("of-its-own", exclusive: true),
            ["declare an exchange"] = channel => channel.ExchangeDeclareAsync("of-its-own", ExchangeType.Fanout),
            ["publish a message type"] = channel => channel.BasicPublishAsync("Shop:OrderPlaced", "", mandatory: false, new BasicProperties(), new byte[1]).AsTask(),
            ["publish to the topics of MQTT"] = channel => channel.BasicPublishAsync("amq.topic", "", mandatory: false, new BasicProperties(), new byte[1]).AsTask(),
            ["publish to the exchange of another application"] = channel => channel.BasicPublishAsync("payments", "", mandatory: false, new BasicProperties(), new byte[1]).AsTask(),
            ["listen to a message type"] = async channel =>
            {
                await channel.QueueDeclareAsync("dead-letters-lock:listen", exclusive: true);
                await channel.QueueBindAsync("dead-letters-lock:listen", "Shop:OrderPlaced", "");
            },
        };
        foreach (var (what, act) in refused)
            (await shop.RefusalAsync(act)).ShouldBe(Constants.AccessRefused, what);
        var elsewhere = shop.Options with { VirtualHost = other.VirtualHost.Name };
        using var there = new DeadLetterClient(elsewhere, other.Client.Audit);
        await Should.ThrowAsync<DeadLetterException>(() => there.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", default));
        (await shop.StatusAsync($"users/{shop.User}")).ShouldBeOneOf(401, 404);
        (await shop.StatusAsync("queues/%2F/none")).ShouldBeOneOf(401, 404);
    }

    [Fact]
    public async Task By_default_the_granted_user_can_not_publish_message_types()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.Orders.Channel.ExchangeDeclareAsync("Shop:OrderPlaced", ExchangeType.Fanout, durable: true);
        await shop.CreateUserAsync();
        foreach (var exchange in new[] { "Shop:OrderPlaced", "amq.topic", "amq.fanout" })
            (await shop.RefusalAsync(channel => channel.BasicPublishAsync(exchange, "", mandatory: false, new BasicProperties(), new byte[1]).AsTask())).ShouldBe(Constants.AccessRefused, exchange);
        foreach (var queue in new[] { Orders.Input, Orders.Error })
            (await shop.RefusalAsync(channel => channel.QueueDeleteAsync(queue))).ShouldBe(Constants.AccessRefused, queue);
        (await shop.RefusalAsync(channel => channel.BasicGetAsync(Orders.Input, autoAck: false))).ShouldBe(Constants.AccessRefused);
    }

    [Fact]
    public async Task User_that_may_only_look_sees_everything_and_can_move_nothing()
    {
        await using var shop = await GrantedShop.CreateAsync();
        var plan = await shop.CreateUserAsync("--view", "--queues", Queues);
        plan.GetProperty("after").GetProperty("tags").EnumerateArray().Single().GetString().ShouldBe("management");
        using var client = new DeadLetterClient(shop.Options, shop.Orders.Client.Audit);
        await using var fed = await shop.LookAsync(client);

        var replay = await client.PlanAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, default);
        (replay.Done, replay.Refused.Count).ShouldBe((0, 6));
        replay.Refused[0].Why.ShouldContain("may not write to exchange orders");
        await Should.ThrowAsync<DeadLetterException>(() => client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, default));
        (await shop.RefusalAsync(channel => channel.BasicPublishAsync("", Orders.Input, mandatory: false, new BasicProperties(), new byte[1]).AsTask())).ShouldBe(Constants.AccessRefused);
        await shop.Orders.SeeAsync(Orders.Error, 6);
    }

    /// <summary>Runs the console without each single right. A right that nothing misses is too much.</summary>
    [Fact]
    public async Task Each_right_is_needed()
    {
        List<(string Permission, string Pattern)> rights;
        await using (var shop = await GrantedShop.CreateAsync())
        {
            var plan = (await shop.GrantAsync("--queues", Queues, "--dry-run", "--json")).Json;
            rights = [.. plan.GetProperty("needed").EnumerateArray().Select(right => (right.GetProperty("right").GetString()!, right.GetProperty("pattern").GetString()!))];
        }
        rights.Count.ShouldBeGreaterThan(14);
        var notMissed = new ConcurrentQueue<string>();
        var ways = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(rights.Where((_, index) => _isLong || index % 3 == 0), new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (left, _) =>
        {
            await using var shop = await GrantedShop.CreateAsync();
            await shop.CreateUserAsync("--queues", Queues);
            string Without(string permission) => $"^({string.Join('|', rights.Where(right => right.Permission == permission && right != left).Select(right => right.Pattern))})$";
            await shop.SetPermissionsAsync(Without("configure"), Without("write"), Without("read"));
            try
            {
                await shop.OperateAsync();
                notMissed.Enqueue($"{left.Permission} {left.Pattern}");
            }
            catch (Exception e) when (e is DeadLetterException or TimeoutException or ShouldAssertException or RabbitMQ.Client.Exceptions.RabbitMQClientException)
            {
                ways.Enqueue($"without {left.Permission} {left.Pattern}: {e.Message.ReplaceLineEndings(" ")[..Math.Min(160, e.Message.Length)]}");
            }
        });
        foreach (var way in ways)
            TestContext.Current.SendDiagnosticMessage(way);
        notMissed.ShouldBeEmpty();
    }

    internal static string Text(JsonElement rights, string name) => rights.GetProperty(name).GetString()!;
}
