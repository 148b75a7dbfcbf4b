using System.Net;
using Microsoft.Data.Sqlite;
using WorkinIt.BrokerTests.Telling;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The dead-letter pages as a service of their own, in front of an application that knows nothing of it.</summary>
public sealed class StandaloneServerTests : IDisposable
{
    private const string Board = "/dead-letters";

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-server-").FullName;

    [Fact]
    public async Task Administrator_replays_dead_letters_of_a_foreign_application_and_other_users_only_look()
    {
        await using var shop = await Shop.CreateAsync(2, reports: false);
        await using var server = Server(Settings(shop));
        await server.StartAsync();
        using var viewer = new PageClient(server.Address);
        (await viewer.GetAsync(Board)).Location.ShouldBe("/dead-letters/sign-in?returnUrl=%2Fdead-letters");
        (await viewer.SignInAsync("operator", "wrong")).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await viewer.SignInAsync("replay", back: Board + "/audit")).Location.ShouldBe(Board + "/audit");
        await Eventually.SeeAsync(() => viewer.GetAsync(Board), board => board.Text.Contains("The warehouse did not answer", StringComparison.Ordinal), "the board shows the cause", TimeSpan.FromSeconds(10));
        (await viewer.PostAsync($"{Board}/queues/{Shop.Error}/replay", ("which", "all"))).ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.Forbidden), it => it.Text.ShouldContain("tag administrator"));

        using var operating = new PageClient(server.Address);
        (await operating.SignInAsync("operator")).Status.ShouldBe(HttpStatusCode.SeeOther);
        await operating.GetAsync($"{Board}/queues/{Shop.Error}");
        var dryRun = await operating.SeeEndAsync(await operating.FollowAsync($"{Board}/queues/{Shop.Error}/replay", ("which", "all")));
        (await operating.SeeEndAsync(await operating.FollowAsync(dryRun.Path + "/run"))).Text.ShouldContain("2 of 2 replayed");
        await Eventually.SeeAsync(() => shop.Handled.Count == 2, "the application handled both orders");
        (await operating.GetAsync($"{Board}/audit")).Text.ShouldContain("replay 2 by operator");

        (await operating.PostAsync(Board + "/sign-out")).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await operating.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.Redirect);
    }

    [Theory]
    [InlineData("//evil.example.com")]
    [InlineData("https://evil.example.com/dead-letters")]
    [InlineData("/dead-letters\\evil")]
    [InlineData("/other")]
    public async Task Sign_in_leads_to_a_page_of_the_server_only(string back)
    {
        await using var orders = await Orders.CreateAsync();
        await using var server = Server(Settings(orders));
        await server.StartAsync();
        using var client = new PageClient(server.Address);

        (await client.SignInAsync("operator", back: back)).Location.ShouldBe(Board);
    }

    [Fact]
    public async Task Session_survives_a_restart_and_a_form_without_its_token_is_refused()
    {
        await using var orders = await Orders.CreateAsync();
        await using var server = Server(Settings(orders));
        await server.StartAsync();
        using var client = new PageClient(server.Address);
        await client.SignInAsync("operator");

        await server.StopAsync();
        await server.StartAsync();

        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await client.PostWithoutTokenAsync($"{Board}/queues/{Orders.Error}/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await client.PostWithoutTokenAsync(Board + "/sign-in", ("username", "operator"), ("password", "operator"))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Several_virtual_hosts_are_on_one_board()
    {
        await using var orders = await Orders.CreateAsync();
        await using var billing = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        await billing.PutFaultsAsync(2);
        var settings = Settings(orders);
        settings["Catalogue__Source"] = "orders";
        settings["DeadLetters__Sources__billing__ConnectionString"] = billing.VirtualHost.ConnectionString("operator");
        await using var server = Server(settings);
        await server.StartAsync();
        using var client = new PageClient(server.Address);
        await client.SignInAsync("operator");

        await Eventually.SeeAsync(() => client.GetAsync(Board), board => board.Text.Contains("Dead letters 3 ", StringComparison.Ordinal), "the board shows 3 dead letters", TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("ConnectionStrings__DeadLetters", "")]
    [InlineData("ConnectionStrings__DeadLetters", "localhost")]
    [InlineData("RabbitMqManagement__Url", "")]
    [InlineData("RabbitMqManagement__Url", "rabbit:15672")]
    [InlineData("ConnectionStrings__Catalogue", "")]
    [InlineData("ConnectionStrings__Catalogue", "somewhere")]
    [InlineData("Catalogue__Retention", "a month")]
    [InlineData("DeadLetters__Queues", "*a*b*")]
    [InlineData("DeadLetters__Sources__a b__ConnectionString", "amqp://u:p@rabbit")]
    [InlineData("DataProtection__KeysDirectory", "keys")]
    [InlineData("Logging__Format", "xml")]
    public async Task Invalid_setting_stops_the_start_with_a_line_that_names_it(string setting, string value)
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__DeadLetters"] = "amqp://operator:operator@127.0.0.1:1",
            ["RabbitMqManagement__Url"] = "http://127.0.0.1:1",
            ["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(_folder, "catalogue.db")}",
        };
        settings[setting] = value;
        await using var server = Server(settings);

        (await server.RunAsync().WaitAsync(TimeSpan.FromMinutes(1))).ShouldBe(2, server.Log);

        server.Log.Trim().Split('\n')[^1].ShouldContain(setting.Replace("__ConnectionString", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Health_check_needs_the_database_and_the_option_health_asks_it()
    {
        await using var orders = await Orders.CreateAsync();
        await using var server = Server(Settings(orders));
        await using var check = Server([]);
        var ready = new Uri(server.Address, "/health/ready").ToString();
        (await check.RunAsync("--health", ready)).ShouldBe(1);

        await server.StartAsync();
        (await check.RunAsync("--health", ready)).ShouldBe(0);

        await using (var database = new SqliteConnection($"Data Source={Path.Combine(_folder, "catalogue.db")}"))
        {
            await database.OpenAsync();
            await using var drop = database.CreateCommand();
            drop.CommandText = "DROP TABLE operator_sessions";
            await drop.ExecuteNonQueryAsync();
        }
        (await check.RunAsync("--health", ready)).ShouldBe(1);
    }

    [Fact]
    public async Task Traces_metrics_and_JSON_logs_are_those_of_the_other_services()
    {
        await using var orders = await Orders.CreateAsync();
        await using var collector = await OtlpReceiver.StartAsync();
        var settings = Settings(orders);
        foreach (var (name, value) in collector.Settings)
            settings[name] = value;
        (settings["OTEL_METRIC_EXPORT_INTERVAL"], settings["OTEL_BSP_SCHEDULE_DELAY"], settings["Logging__Format"]) = ("500", "500", "Json");
        await using var server = Server(settings);
        await server.StartAsync();
        using var client = new PageClient(server.Address);
        await client.GetAsync(Board + "/sign-in?returnUrl=%2Fdead-letters%2Ffind%3Fid%3Djane");

        await Eventually.SeeAsync(() => Task.FromResult(collector.Received("traces")), spans => spans.Contains(Board + "/sign-in", StringComparison.Ordinal), "the span of the page");
        await Eventually.SeeAsync(() => Task.FromResult(collector.Received("metrics")), metrics => metrics.Contains("workinit.ready", StringComparison.Ordinal), "the metric of the health check");
        foreach (var received in new[] { collector.Received("traces"), collector.Received("metrics") })
            received.ShouldSatisfyAllConditions(it => it.ShouldContain("WorkinIt.DeadLetters.Server"), it => it.ShouldNotContain("jane"));
        await server.StopAsync();
        server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ShouldAllBe(line => line.StartsWith('{') && line.EndsWith('}'));
        server.Log.ShouldNotBeEmpty();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static ServiceProcess Server(Dictionary<string, string> settings) => new("DeadLetters.Server", settings);

    private Dictionary<string, string> Settings(Orders orders) => Settings(orders.VirtualHost.ConnectionString("operator"), orders.Options.Management);

    private Dictionary<string, string> Settings(Shop shop) => Settings(shop.VirtualHost.ConnectionString("operator"), new Uri(shop.CommandSettings["RabbitMqManagement__Url"]));

    private Dictionary<string, string> Settings(string connection, Uri management) => new()
    {
        ["ConnectionStrings__DeadLetters"] = connection,
        ["RabbitMqManagement__Url"] = management.ToString(),
        ["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(_folder, "catalogue.db")}",
        ["DataProtection__KeysDirectory"] = Path.Combine(_folder, "keys"),
        ["DeadLetters__OutcomeWait"] = "00:00:10",
    };
}
