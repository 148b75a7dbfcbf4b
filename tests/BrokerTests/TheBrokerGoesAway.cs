using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

public sealed class TheBrokerGoesAway
{
    [Fact]
    public async Task While_it_is_stopped_all_is_accepted_and_arrives_after_it_once_each_without_a_restart()
    {
        const int count = 1_000;
        var (system, web, _) = await WorkinItSystem.StartAsync();
        await using var s = system;
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
    public async Task What_is_dead_or_delayed_survives_its_sudden_death_and_health_tells_of_it_and_of_its_return()
    {
        var (system, web, consumers) = await WorkinItSystem.StartAsync(("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        await using var s = system;
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
        // 5 s and 15 s are promised; this machine may have other things to do.
        var gone = await Task.WhenAll(web.SeeReadyAsync(false, TimeSpan.FromSeconds(15)), consumers.SeeReadyAsync(false, TimeSpan.FromSeconds(15)));
        foreach (var service in new[] { web, consumers })
        {
            using var live = await service.Http.GetAsync("/health/live");
            live.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        var starting = system.Broker.StartAsync();
        // It takes clients a good while before all of it is up.
        await using var channel = await Eventually.SeeAsync(system.VirtualHost.OpenChannelAsync, _ => true, "the broker takes clients");
        var back = await Task.WhenAll(web.SeeReadyAsync(true, TimeSpan.FromSeconds(45)), consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(45)));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"Web, Consumers: not ready {string.Join(" s, ", gone.Select(time => $"{time.TotalSeconds:0.0}"))} s after the broker's death, ready again {string.Join(" s, ", back.Select(time => $"{time.TotalSeconds:0.0}"))} s after its return");
        (await channel.QueueDeclarePassiveAsync("send-gif-email")).ConsumerCount.ShouldBe(1u, "ready, and so it consumes");
        await starting;

        await system.SeeReadyAsync("send-gif-email_error", 25);
        await system.SeeReadyAsync("send-gif-email_delay_10m", 25);
        consumers.IsRunning.ShouldBeTrue();
    }
}
