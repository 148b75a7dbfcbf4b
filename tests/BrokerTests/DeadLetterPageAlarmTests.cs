using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The dead-letter pages during an alarm of the broker. The tests have their own broker, because an alarm affects all of its clients.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class DeadLetterPageAlarmTests(ABrokerToStop broker) : IAsyncDisposable
{
    private const string Errors = DeadLetterWeb.Errors;
    private WorkinItSystem? _system;

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }

    [Theory]
    [InlineData("memory", "it is low on memory")]
    [InlineData("disk", "it is low on disk space")]
    public async Task Dry_run_and_replay_during_an_alarm_move_nothing_and_the_page_says_why(string resource, string reason)
    {
        var sentence = $"RabbitMQ takes no messages now: {reason}. Messages that were not moved are still in the queue: run the operation again when the alarm is over";
        await broker.Broker.StartAsync(); // an earlier test may have left the broker stopped
        _system = await WorkinItSystem.CreateAsync(broker.Broker.ForOneSystem());
        DeadLetterPages.AddTo(_system);
        _system.Settings["DeadLetters__OutcomeWait"] = "00:00:02"; // no consumer runs, so no outcome comes
        await _system.PrepareAsync();
        var web = _system.NewWeb();
        await web.StartAsync();
        using var client = new PageClient(web.Address);
        await client.SignInAsync("operator");
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, DeadLetterWeb.Jane, "System.TimeoutException", "It took 30 s", count: 3);
        await _system.SeeReadyAsync(Errors, 3);
        await client.GetAsync($"/dead-letters/queues/{Errors}"); // for the token of its forms
        var earlier = await client.SeeEndAsync(await client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));

        await broker.Broker.SetAlarmAsync(true, resource);
        Answer replay;
        try
        {
            replay = await client.SeeEndAsync(await client.FollowAsync(earlier.Path + "/run"));
            replay.ShouldSatisfyAllConditions(page => page.Text.ShouldContain("The replay failed"), page => page.Text.ShouldContain(sentence));
            var dryRun = await client.SeeEndAsync(await client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
            dryRun.ShouldSatisfyAllConditions(page => page.Text.ShouldContain("The dry run failed"), page => page.Text.ShouldContain(sentence));
            (await _system.VirtualHost.ReadyAsync(Errors)).ShouldBe(3);
            (await _system.VirtualHost.ReadyAsync("send-gif-email")).ShouldBe(0);
        }
        finally
        {
            await broker.Broker.SetAlarmAsync(false, resource);
        }

        var after = await client.SeeEndAsync(await client.FollowAsync(replay.Path + "/again"));
        await client.SeeEndAsync(await client.FollowAsync(after.Path + "/run"));
        await _system.SeeReadyAsync("send-gif-email", 3);
    }
}
