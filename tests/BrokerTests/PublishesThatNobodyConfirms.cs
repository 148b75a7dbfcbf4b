using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

public sealed class PublishesThatNobodyConfirms
{
    [Fact]
    public async Task A_connection_whose_packets_are_swallowed_is_given_up_and_all_is_mailed_once_without_a_restart()
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

        // The broker's client itself would notice by its heartbeats only, 20 s later.
        await system.SeeMailsAsync(before + count, TimeSpan.FromSeconds(60));
        web.Log.ShouldContain("RabbitMQ has stopped confirming publishes on this connection");
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    [Fact]
    public async Task One_that_waits_for_its_confirm_for_too_long_makes_Web_not_ready_until_it_is_confirmed()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        var (web, _) = await system.StartServicesAsync(("Submissions__UnconfirmedLimit", "00:00:05"), ("Submissions__PublishTimeout", "00:00:02"));
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        await channel.ExchangeUnbindAsync("send-gif-email", "WorkinIt.Contracts:SendGifEmail", ""); // the broker is up, and takes nothing

        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "nobody takes it");

        await web.SeeReadyAsync(false, TimeSpan.FromSeconds(30));
        await Eventually.SeeAsync(() => web.Log.Contains("RabbitMQ has not confirmed", StringComparison.Ordinal), "the log says why");
        await channel.ExchangeBindAsync("send-gif-email", "WorkinIt.Contracts:SendGifEmail", "");
        await web.SeeReadyAsync(true, TimeSpan.FromSeconds(30));
        await system.SeeMailsAsync(1);
    }

    private static string Through(string address, int port) => new UriBuilder(address) { Host = IPAddress.Loopback.ToString(), Port = port }.Uri.AbsoluteUri;

    private static Task SubmitAsync(ServiceProcess web, int count) => Parallel.ForAsync(
        0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) => await WorkinItSystem.SubmitAsync(web, $"person{number}@example.com", $"thought {number}"));
}
