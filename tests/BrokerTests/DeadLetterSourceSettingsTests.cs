using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>More virtual hosts on the pages of Web, by its settings.</summary>
[Trait("broker", "any")]
public sealed class DeadLetterSourceSettingsTests(DeadLetterWeb web) : IClassFixture<DeadLetterWeb>
{
    private const string Errors = DeadLetterWeb.Errors;

    [Fact]
    public async Task Virtual_host_that_is_added_by_a_setting_is_shown_beside_the_first_one_and_acted_on()
    {
        await using var billing = await web.System.Broker.CreateVirtualHostAsync();
        await using (var channel = await billing.OpenChannelAsync())
            await channel.QueueDeclareAsync(Errors, durable: true, exclusive: false, autoDelete: false);
        await DeadLetterPages.PutAsync(billing, Errors, DeadLetterWeb.Jane, "System.TimeoutException", "It took 30 s");
        var process = web.NewProcess(settings => settings["DeadLetters__Sources__billing__ConnectionString"] = billing.ConnectionString("replay"));
        await process.StartAsync();
        using var client = new PageClient(process.Address, "203.0.113.99");
        await client.SignInAsync("operator");

        var queue = (await client.GetAsync("/dead-letters/queues")).Link("/sources/billing/");
        queue.ShouldBe($"/dead-letters/sources/billing/queues/{Errors}");
        await client.GetAsync(queue);
        var dryRun = await client.SeeEndAsync(await client.FollowAsync(queue + "/discard", ("which", "all")));
        (await client.SeeEndAsync(await client.FollowAsync(dryRun.Path + "/run"))).Text.ShouldContain("Discarded 1");

        (await billing.ReadyAsync(Errors)).ShouldBe(0);
        (await client.GetAsync("/dead-letters/audit")).Text.ShouldContain($"{Errors} billing");
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("twice")]
    public async Task Invalid_source_stops_the_start_with_a_line_that_names_it(string name)
    {
        var other = web.NewProcess(settings => settings[$"DeadLetters__Sources__{name}__ConnectionString"] = settings["ConnectionStrings__DeadLetters"]);
        (await other.RunAsync()).ShouldBe(2);
        var line = other.Log.Trim().Split('\n')[^1];
        line.ShouldContain("DeadLetters__Sources");
        line.ShouldContain($"“{name}”");
    }
}
