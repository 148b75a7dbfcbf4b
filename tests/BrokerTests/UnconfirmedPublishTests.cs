using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

public sealed class UnconfirmedPublishTests
{
    [Fact]
    public async Task Broker_connection_that_drops_all_packets_is_replaced_and_all_mails_are_sent_once()
    {
        const int before = 5;
        const int count = 60;
        await using var system = await WorkinItSystem.CreateAsync();
        await using var proxy = new SwallowingProxy(system.Broker.Amqp.Host, system.Broker.Amqp.Port);
        var direct = system.ConnectionString;
        system.ConnectionString = user => user == "web" ? Through(direct(user), proxy.Port) : direct(user);
        var (web, _) = await system.StartServicesAsync(("Submissions__PublishTimeout", "00:00:03"));
        await SubmitAsync(web, before);
        await system.SeeMailsAsync(before);

        await proxy.SwallowAsync();
        await SubmitAsync(web, count);

        // RabbitMQ.Client alone would notice only by its heartbeats, 20 s later.
        await system.SeeMailsAsync(before + count, TimeSpan.FromSeconds(60));
        web.Log.ShouldContain("RabbitMQ has stopped confirming publishes on this connection");
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    [Fact]
    public async Task Publish_unconfirmed_for_too_long_makes_Web_not_ready_until_it_is_confirmed()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        var (web, _) = await system.StartServicesAsync(("Submissions__UnconfirmedLimit", "00:00:05"), ("Submissions__PublishTimeout", "00:00:02"));
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        await channel.ExchangeUnbindAsync("send-gif-email", "WorkinIt.Contracts:SendGifEmail", ""); // the broker is up, but accepts no submission

        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "nobody takes it");

        await web.SeeReadyAsync(false, TimeSpan.FromSeconds(30));
        await Eventually.SeeAsync(() => web.Log.Contains("RabbitMQ has not confirmed", StringComparison.Ordinal), "the log names the unconfirmed publish");
        await channel.ExchangeBindAsync("send-gif-email", "WorkinIt.Contracts:SendGifEmail", "");
        await web.SeeReadyAsync(true, TimeSpan.FromSeconds(30));
        await system.SeeMailsAsync(1);
    }

    private static string Through(string address, int port) => new UriBuilder(address) { Host = IPAddress.Loopback.ToString(), Port = port }.Uri.AbsoluteUri;

    private static Task SubmitAsync(ServiceProcess web, int count) => Parallel.ForAsync(
        0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) => await WorkinItSystem.SubmitAsync(web, $"person{number}@example.com", $"thought {number}"));
}
