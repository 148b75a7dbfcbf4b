using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The pages of a replay in order.</summary>
[Trait("broker", "any")] // tests pages; ReplayInOrderTests covers the order on each version
public sealed class DeadLetterPageOrderTests : IAsyncLifetime
{
    private const string Errors = DeadLetterWeb.Errors;
    private const string Input = "send-gif-email";

    private readonly DeadLetterWeb _web = new();
    private PageClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        await _web.InitializeAsync();
        _client = _web.NewClient();
        await DeadLetterPages.PutAsync(_web.System.VirtualHost, Errors, """{"shop":"north"}""", "System.TimeoutException", "It took 30 s", count: 3);
        await _client.SignInAsync("operator");
        await _client.GetAsync($"/dead-letters/queues/{Errors}");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _web.DisposeAsync();
    }

    [Fact]
    public async Task Form_takes_the_field_and_the_page_shows_the_keys_and_those_held_back_masked()
    {
        await using var application = await ConsumeAsync(fails: true);
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        dryRun.Html.ShouldContain("name=\"order\"");

        var inOrder = await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/again", ("order", "header:X-Customer")));

        inOrder.Text.ShouldContain("1 key, at most 3 messages of one key. The order needs reports of the application");
        inOrder.Html.ShouldContain("value=\"header:X-Customer\"");
        var result = await _client.SeeEndAsync(await _client.FollowAsync(inOrder.Path + "/run", ("order", "header:X-Customer")));
        result.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain("1 of 3 replayed: 1 failed again; held back: 1 of 1 key"),
            it => it.ShouldContain("Held back: 1 of 1 key"), it => it.ShouldContain("J…"), it => it.ShouldContain(": 2 messages, because "), it => it.ShouldContain(" failed again"),
            it => it.ShouldContain("2: held back: in order by header:X-Customer, and an earlier dead letter of its key failed again"),
            it => it.ShouldNotContain("Jane Doe"));
        (await _web.System.VirtualHost.ReadyAsync(Errors)).ShouldBe(2);
        (await _client.GetAsync("/dead-letters/audit")).Text.ShouldContain("1 failed again; in order by header:X-Customer, held back: 1 of 1 key");
    }

    [Fact]
    public async Task Field_that_is_none_is_refused_with_the_forms_that_there_are()
    {
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));

        var refused = await _client.PostAsync(dryRun.Path + "/run", ("order", "cause:1a2b"));

        ((int)refused.Status).ShouldBe(400);
        refused.Text.ShouldContain("In order by: “cause:1a2b” is not a field to order by: use a property such as message.orderId, or a header such as header:Tenant.");
        (await _web.System.VirtualHost.ReadyAsync(Errors)).ShouldBe(3);
    }

    // Reports an outcome of each replayed message.
    private async Task<IChannel> ConsumeAsync(bool fails)
    {
        var channel = await _web.System.VirtualHost.OpenChannelAsync();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            var id = Encoding.UTF8.GetString((byte[])delivery.BasicProperties.Headers!["Replay-Id"]!);
            await ReportingApplication.ReportAsync(channel, new ReplayReport { ReplayId = id, Kind = fails ? ReportKind.Failed : ReportKind.Handled, At = DateTimeOffset.UtcNow, Queue = Input });
        };
        await channel.BasicConsumeAsync(Input, autoAck: true, consumer);
        return channel;
    }
}
