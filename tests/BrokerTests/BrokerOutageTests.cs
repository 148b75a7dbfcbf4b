using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Five tests that run one after the other on their own broker, each in its own virtual host.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class BrokerOutageTests(ABrokerToStop broker) : IAsyncDisposable
{
    private WorkinItSystem? _system;

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }

    [Fact]
    public async Task Submissions_while_the_broker_is_stopped_are_accepted_and_mailed_once_after_its_return()
    {
        const int count = 1_000;
        var system = await CreateAsync();
        var (web, _) = await system.StartServicesAsync();
        await WorkinItSystem.SubmitAsync(web, "before@example.com", "before");
        await system.SeeMailsAsync(1);

        await system.Broker.StopAsync();
        using (var response = await WorkinItSystem.SubmitFormAsync(web, "jane@example.com", "from the form"))
            response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        await Parallel.ForAsync(1, count, new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (i, _) => await WorkinItSystem.SubmitAsync(web, $"person{i}@example.com", $"thought {i}"));
        using (var ready = await web.Http.GetAsync("/health/ready"))
            ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using (var live = await web.Http.GetAsync("/health/live"))
            live.StatusCode.ShouldBe(HttpStatusCode.OK);

        await system.Broker.StartAsync();
        await system.SeeMailsAsync(1 + count, TimeSpan.FromSeconds(120));
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.DeliveriesById.Count.ShouldBe(1 + count);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    [Fact]
    public async Task Dead_and_delayed_messages_survive_a_broker_crash_and_health_reports_outage_and_recovery()
    {
        var system = await CreateAsync();
        var (web, consumers) = await system.StartServicesAsync(("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        system.Mail.OnMail = mail => mail.Recipient switch
        {
            null => null,
            var recipient when recipient.StartsWith("dead", StringComparison.Ordinal) => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown"),
            _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted"),
        };
        for (var i = 0; i < 50; i++)
            await WorkinItSystem.SubmitAsync(web, $"{(i % 2 == 0 ? "dead" : "delayed")}{i}@example.com", $"thought {i}");
        await system.SeeReadyAsync("send-gif-email_error", 25);
        await system.SeeReadyAsync("send-gif-email_delay_10m", 25);

        await system.Broker.KillAsync();
        // The promised limits are 5 s and 15 s; the test allows more, because the machine may be busy.
        var notReady = await Task.WhenAll(web.SeeReadyAsync(false, TimeSpan.FromSeconds(30)), consumers.SeeReadyAsync(false, TimeSpan.FromSeconds(30)));
        foreach (var service in new[] { web, consumers })
        {
            using var live = await service.Http.GetAsync("/health/live");
            live.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        var starting = system.Broker.StartAsync();
        // The broker accepts clients well before it is fully up.
        await using var channel = await Eventually.SeeAsync(() => system.VirtualHost.OpenChannelAsync(), _ => true, "the broker accepts clients");
        var recovered = await Task.WhenAll(web.SeeReadyAsync(true, TimeSpan.FromSeconds(90)), consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(90)));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"Web, Consumers: not ready {string.Join(" s, ", notReady.Select(time => $"{time.TotalSeconds:0.0}"))} s after the broker's crash, ready again {string.Join(" s, ", recovered.Select(time => $"{time.TotalSeconds:0.0}"))} s after its return");
        await Eventually.SeeAsync(
            async () => (await channel.QueueDeclarePassiveAsync("send-gif-email")).ConsumerCount, consuming => consuming == 1, "one consumer is connected to send-gif-email"); // a queue without a leader yet reports 0
        await starting;

        foreach (var queue in new[] { "send-gif-email_error", "send-gif-email_delay_10m" })
        {
            var ids = new HashSet<string?>(); // messages moved but not acked before the crash are moved again
            await Eventually.SeeAsync(
                async () =>
                {
                    ids.UnionWith((await system.VirtualHost.TakeAllAsync(queue)).Select(message => message.BasicProperties.MessageId));
                    return ids.Count;
                },
                count => count == 25, $"25 different messages in {queue}");
        }
        consumers.IsRunning.ShouldBeTrue();
    }

    [Fact]
    public async Task Submissions_while_the_broker_is_frozen_are_accepted_and_mailed_once_without_a_restart()
    {
        const int count = 150;
        var system = await CreateAsync();
        var (web, _) = await system.StartServicesAsync();
        await WorkinItSystem.SubmitAsync(web, "before@example.com", "before");
        await system.SeeMailsAsync(1);

        await system.Broker.FreezeAsync();
        var freeze = Task.Delay(TimeSpan.FromSeconds(5));
        await Parallel.ForAsync(1, count, new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (i, _) => await WorkinItSystem.SubmitAsync(web, $"person{i}@example.com", $"thought {i}"));
        await freeze;
        await system.Broker.ThawAsync();

        await system.SeeMailsAsync(count, TimeSpan.FromSeconds(120));
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    [Theory]
    [InlineData("memory", "low on memory")]
    [InlineData("disk", "low on disk space")]
    public async Task Submissions_during_an_alarm_are_accepted_and_the_readiness_checks_report_the_alarm(string resource, string reason)
    {
        const int count = 20;
        var system = await CreateAsync();
        var (web, consumers) = await system.StartServicesAsync();
        await WorkinItSystem.SubmitAsync(web, "before@example.com", "before");
        await system.SeeMailsAsync(1);

        await system.Broker.SetAlarmAsync(true, resource);
        try
        {
            await Task.WhenAll(web.SeeReadyAsync(false, TimeSpan.FromSeconds(30)), consumers.SeeReadyAsync(false, TimeSpan.FromSeconds(30)));
            foreach (var service in new[] { web, consumers })
            {
                (await service.Http.GetStringAsync("/health/live")).ShouldBe("Healthy");
                using var ready = await service.Http.GetAsync("/health/ready");
                (await ready.Content.ReadAsStringAsync()).ShouldContain($"RabbitMQ blocks publishers ({reason})");
            }
            for (var i = 1; i < count; i++)
                await WorkinItSystem.SubmitAsync(web, $"person{i}@example.com", $"thought {i}");
        }
        finally
        {
            await system.Broker.SetAlarmAsync(false, resource);
        }

        await system.SeeMailsAsync(count, TimeSpan.FromSeconds(120));
        await Task.WhenAll(web.SeeReadyAsync(true, TimeSpan.FromSeconds(30)), consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(30)));
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    [Fact]
    public async Task Dead_letter_pages_return_503_with_Retry_After_while_the_broker_is_down()
    {
        var system = await CreateAsync();
        DeadLetterPages.AddTo(system);
        await system.PrepareAsync();
        var web = system.NewWeb();
        await web.StartAsync();
        using var client = new PageClient(web.Address);
        await client.SignInAsync("operator");

        await broker.Broker.StopAsync();
        var answer = await client.GetAsync("/dead-letters");
        answer.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        answer.RetryAfter.ShouldBe("10");
        using var newClient = new PageClient(web.Address);
        (await newClient.SignInAsync("operator")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    // An earlier test that failed may have left the broker stopped.
    private async Task<WorkinItSystem> CreateAsync()
    {
        await broker.Broker.StartAsync();
        return _system = await WorkinItSystem.CreateAsync(broker.Broker.ForOneSystem());
    }
}

/// <summary>The classes in this collection share one broker and run in sequence: otherwise one would stop the broker of another.</summary>
[CollectionDefinition(nameof(ABrokerToStop))]
public sealed class ABrokerToStopDefinition : ICollectionFixture<ABrokerToStop>;

/// <summary>A broker that only the tests of this collection use.</summary>
public sealed class ABrokerToStop : IAsyncLifetime
{
    public TestBroker Broker { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Broker = await TestBroker.StartOwnAsync();

    public async ValueTask DisposeAsync()
    {
        if (Broker is null)
            return;
        await Broker.RemoveAsync();
        Broker.Dispose();
    }
}
