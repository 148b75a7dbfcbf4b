using System.Net.Http.Json;
using MassTransit;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>How reports reach RabbitMQ. Whatever goes wrong there, messages are handled as without reports.</summary>
public sealed class ReportPublishingTests
{
    [Fact]
    public async Task Reports_that_nobody_listens_to_are_dropped_without_a_log_line()
    {
        await using var application = await ReportingApplication.StartAsync(listens: false);
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await Eventually.SeeAsync(() => application.Work.Handled.Contains(1), "handled");
        // The application has created the exchange.
        await Eventually.SeeAsync(
            () => application.VirtualHost.ManagementAsync($"exchanges/{{vhost}}/{ReportListener.Exchange}"),
            exchange => exchange.GetProperty("type").GetString() == "topic" && exchange.GetProperty("durable").GetBoolean(), "a durable topic exchange");
        await Task.Delay(1000);

        application.Log.ShouldNotContain(line => line.Contains("replay", StringComparison.OrdinalIgnoreCase));
        await application.ListenAsync();
        await application.ReplayAsync(new DoWork(2), "op1.2");
        (await application.KindsOfAsync("op1.2", 2)).ShouldBe("taken handled");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Missing_permission_costs_one_log_line_with_the_remedy_and_no_message(bool exchangeExists)
    {
        await using var application = await RestrictedAsync("^(?!dead-letters).*$", "^(?!dead-letters).*$", listens: exchangeExists);
        for (var number = 1; number <= 20; number++)
            await application.ReplayAsync(new DoWork(number), $"op1.{number}");
        await Eventually.SeeAsync(() => application.Work.Handled.Count == 20, "20 handled");
        await Eventually.SeeAsync(() => application.Log.Any(line => line.Contains("not reported", StringComparison.Ordinal)), "a log line");
        await application.ReplayAsync(new DoWork(21), "op1.21");
        await Task.Delay(2000);

        var line = application.Log.Where(line => line.Contains("replay", StringComparison.OrdinalIgnoreCase)).ShouldHaveSingleItem();
        line.ShouldStartWith("Warning: ");
        line.ShouldContain("^dead-letters\\.reports$");
        line.ShouldContain("write permission of user limited");
        application.Work.Tries.Values.ShouldAllBe(tries => tries == 1);
        application.Reports.ShouldBeEmpty();
    }

    [Fact]
    public async Task Permission_to_write_is_enough_if_the_exchange_exists()
    {
        await using var application = await RestrictedAsync("^(?!dead-letters).*$", ".*", listens: true);
        await application.ReplayAsync(new DoWork(1), "op1.1");

        (await application.KindsOfAsync("op1.1", 2)).ShouldBe("taken handled");
    }

    [Fact]
    public async Task Exchange_that_is_deleted_while_the_application_runs_is_created_again()
    {
        await using var application = await ReportingApplication.StartAsync();
        await application.ReplayAsync(new DoWork(1), "op1.1");
        (await application.KindsOfAsync("op1.1", 2)).ShouldBe("taken handled");
        await using (var channel = await application.VirtualHost.OpenChannelAsync())
            await channel.ExchangeDeleteAsync(ReportListener.Exchange);
        await application.ReplayAsync(new DoWork(2), "op1.2");
        await Eventually.SeeAsync(() => application.Work.Handled.Contains(2), "handled");
        await Eventually.SeeAsync(() => application.VirtualHost.ManagementAsync($"exchanges/{{vhost}}/{ReportListener.Exchange}"), _ => true, "the exchange");
        await application.ListenAsync();
        await application.ReplayAsync(new DoWork(3), "op1.3");

        (await application.KindsOfAsync("op1.3", 2)).ShouldBe("taken handled");
        application.Work.Tries.Values.ShouldAllBe(tries => tries == 1);
    }

    [Fact]
    public async Task Reports_have_a_connection_of_their_own_which_ends_with_the_bus()
    {
        await using var application = await ReportingApplication.StartAsync();
        (await NamesAsync(application)).ShouldNotContain(name => name.Contains("replay reports", StringComparison.Ordinal));
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await Eventually.SeeAsync(() => NamesAsync(application), names => names.Count(name => name.Contains("(replay reports)", StringComparison.Ordinal)) == 1, "one connection");
        await application.Bus.StopAsync(TimeSpan.FromSeconds(20));

        await Eventually.SeeAsync(() => NamesAsync(application), names => !names.Any(name => name.Contains("replay reports", StringComparison.Ordinal)), "no connection", TimeSpan.FromSeconds(20)); // an idle one ends after a minute
    }

    private static async Task<IReadOnlyList<string>> NamesAsync(ReportingApplication application)
    {
        var connections = await application.VirtualHost.ManagementAsync("vhosts/{vhost}/connections");
        return [.. connections.EnumerateArray().Select(connection => connection.TryGetProperty("client_properties", out var client) && client.TryGetProperty("connection_name", out var name) ? name.GetString()! : "")];
    }

    private static async Task<ReportingApplication> RestrictedAsync(string configure, string write, bool listens)
    {
        using var broker = TestBroker.FromEnvironment();
        (await broker.Management.PutAsJsonAsync("/api/users/limited", new { password = "limited", tags = "" })).EnsureSuccessStatusCode();
        return await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint => endpoint.ConfigureConsumer<WorkConsumer>(context));
            },
            listens: listens, user: "limited",
            prepare: async virtualHost => (await broker.Management.PutAsJsonAsync($"/api/permissions/{virtualHost.Name}/limited", new { configure, write, read = ".*" })).EnsureSuccessStatusCode());
    }
}

/// <summary>Reports while the broker stops, restarts or has an alarm.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class ReportBrokerFaultTests(ABrokerToStop broker)
{
    private readonly TestBroker _broker = broker.Broker;

    [Fact]
    public async Task During_an_alarm_messages_are_handled_without_waiting_for_their_reports_which_arrive_after_it()
    {
        await using var application = await ReportingApplication.StartAsync(endpoint => endpoint.PrefetchCount = 4, broker: _broker);
        await application.ReplayAsync(new DoWork(0), "op1.0");
        (await application.KindsOfAsync("op1.0", 2)).ShouldBe("taken handled");
        var open = new TaskCompletionSource();
        application.Work.Handle = (_, _) => open.Task;
        for (var number = 1; number <= 40; number++)
            await application.ReplayAsync(new DoWork(number), $"op1.{number}");
        await _broker.SetAlarmAsync(true);
        try
        {
            open.SetResult();
            // More messages than the prefetch: their acknowledgements must reach the broker.
            await Eventually.SeeAsync(() => application.Work.Handled.Count == 41, "all handled during the alarm", TimeSpan.FromSeconds(20));
            application.Reports.Count(report => report.Kind == "handled").ShouldBeLessThan(41);
        }
        finally
        {
            await _broker.SetAlarmAsync(false);
        }
        for (var number = 1; number <= 40; number++)
            (await application.KindsOfAsync($"op1.{number}", 2, further: 0)).ShouldBe("taken handled");
    }

    [Fact]
    public async Task Broker_that_is_killed_while_messages_are_handled_loses_reports_at_most_and_no_report_is_wrong()
    {
        await using var application = await ReportingApplication.StartAsync(broker: _broker);
        application.Work.Handle = (_, _) => Task.Delay(20);
        const int Count = 300;
        for (var number = 1; number <= Count; number++)
            await application.ReplayAsync(new DoWork(number), $"op1.{number}");
        await Eventually.SeeAsync(() => application.Work.Handled.Count > 50, "some handled");
        await _broker.KillAsync();
        await _broker.StartAsync();
        await application.ListenAsync();

        await Eventually.SeeAsync(() => application.Work.Handled.Distinct().Count() == Count, "all handled", TimeSpan.FromSeconds(120));
        await Eventually.SeeAsync(() => application.VirtualHost.ReadyAsync("work"), ready => ready == 0, "empty");
        await Task.Delay(3000);
        application.Reports.ShouldAllBe(report => report.Kind == "taken" || report.Kind == "handled");
        var handled = application.Reports.Where(report => report.Kind == "handled").Select(report => report.ReplayId).Distinct().Count();
        handled.ShouldBeGreaterThan(Count / 2);
        (await application.VirtualHost.ReadyAsync("work_error")).ShouldBeLessThanOrEqualTo(0);
    }
}
