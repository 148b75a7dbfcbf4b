using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary><c>workinit dead-letters serve</c> as a process, in front of an application that knows nothing of it.</summary>
public sealed class ServeCommandTests
{
    private const string Board = "/dead-letters";

    [Fact]
    public async Task Board_of_a_foreign_application_is_one_command_away_and_replays_its_dead_letters()
    {
        await using var shop = await Shop.CreateAsync(2, reports: false);
        await using var serve = Serve(shop, "--as", "Jo Doe");
        using var client = await serve.EnterAsync();

        await Eventually.SeeAsync(() => client.GetAsync(Board), board => board.Text.Contains("The warehouse did not answer", StringComparison.Ordinal), "the board shows the cause", TimeSpan.FromSeconds(10));
        (await client.GetAsync($"{Board}/queues/{Shop.Error}")).Text.ShouldContain("2 dead letters of shop with 1 cause");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync($"{Board}/queues/{Shop.Error}/replay", ("which", "all")));
        dryRun.Text.ShouldContain("nothing has moved yet");
        var outcome = await client.SeeEndAsync(await client.FollowAsync(dryRun.Path + "/run"));

        outcome.Text.ShouldContain("2 of 2 replayed");
        await Eventually.SeeAsync(() => shop.Handled.Count == 2, "the application handled both orders");
        (await client.GetAsync($"{Board}/audit")).Text.ShouldContain("replay 2 by Jo Doe");
        serve.Errors.ShouldNotContain("Microsoft");
    }

    [Fact]
    public async Task Assets_of_the_pages_are_served_to_the_browser_with_the_link_only()
    {
        await using var orders = await Orders.CreateAsync();
        await using var serve = Serve(orders);
        using var client = await serve.EnterAsync();
        using var stranger = new PageClient(new Uri((await serve.SeeLinkAsync()).GetLeftPart(UriPartial.Authority)));

        foreach (var asset in new[] { "dead-letters.css", "dead-letters.js", "board.css", "board.js", "dead-letters.svg" })
        {
            (await client.GetAsync($"{Board}/assets/{asset}")).Status.ShouldBe(HttpStatusCode.OK, asset);
            (await stranger.GetAsync($"{Board}/assets/{asset}")).Status.ShouldBe(HttpStatusCode.Unauthorized, asset);
        }
    }

    [Fact]
    public async Task Link_gives_access_once_and_the_terminal_shows_a_new_one()
    {
        await using var orders = await Orders.CreateAsync();
        await using var serve = Serve(orders);
        var link = await serve.SeeLinkAsync();
        var address = new Uri(link.GetLeftPart(UriPartial.Authority));
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        using var http = new HttpClient(handler) { BaseAddress = address };

        using var wrong = await http.GetAsync($"/?token={new string('0', 64)}");
        wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await wrong.Content.ReadAsStringAsync()).ShouldContain("Look at the terminal");
        wrong.Headers.Contains("Set-Cookie").ShouldBeFalse();

        using var first = await http.GetAsync(link.PathAndQuery);
        first.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        first.Headers.Location!.ToString().ShouldBe("/welcome");
        var cookie = first.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem();
        cookie.ShouldSatisfyAllConditions(it => it.ShouldContain("httponly"), it => it.ShouldContain("samesite=strict"), it => it.ShouldNotContain("token"));

        using var second = await http.GetAsync(link.PathAndQuery);
        second.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        second.Headers.Contains("Set-Cookie").ShouldBeFalse();
        var next = await serve.SeeLinkAsync(1);
        next.ShouldNotBe(link);
        using var client = new PageClient(address);
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await client.GetAsync(next.PathAndQuery)).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await client.GetAsync("/welcome")).Html.ShouldContain($"0; url={Board}");
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync(next.PathAndQuery)).Status.ShouldBe(HttpStatusCode.SeeOther); // this browser has access already
    }

    [Fact]
    public async Task Cookie_of_an_earlier_server_gives_no_access()
    {
        await using var orders = await Orders.CreateAsync();
        var port = Ports.TakeFree().ToString(CultureInfo.InvariantCulture);
        await using var earlier = Serve(orders, port);
        using var client = await earlier.EnterAsync();
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await earlier.InterruptAsync()).ShouldBe(0);

        await using var serve = ServeProcess.Start(new Dictionary<string, string> { ["HOME"] = earlier.Folder }, Arguments(orders, port)); // another server of the same user
        await serve.SeeLinkAsync();

        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        serve.Errors.ShouldNotContain("antiforgery");
    }

    [Theory]
    [InlineData("Host", "evil.example.com")]
    [InlineData("Host", "127.0.0.1.evil.example.com")]
    [InlineData("Host", "10.0.0.1")]
    [InlineData("Origin", "http://evil.example.com")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    [InlineData("Origin", "null")]
    public async Task Requests_of_other_sites_are_refused_also_with_the_link(string header, string value)
    {
        await using var orders = await Orders.CreateAsync();
        await using var serve = Serve(orders);
        var link = await serve.SeeLinkAsync();
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, link);
        request.Headers.TryAddWithoutValidation(header, value);

        using var answer = await http.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var mine = await http.GetAsync(link);
        mine.StatusCode.ShouldBe(HttpStatusCode.SeeOther); // the link was not used up
    }

    [Fact]
    public async Task With_sign_in_the_users_of_rabbitmq_have_their_rights_and_no_link_is_printed()
    {
        await using var shop = await Shop.CreateAsync(1, reports: false);
        await using var serve = Serve(shop, "--sign-in");
        var address = await serve.SeeAddressAsync();
        using var viewer = new PageClient(address);
        using var administrator = new PageClient(address);

        serve.Output.ShouldNotContain("token");
        (await viewer.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.Redirect);
        (await viewer.SignInAsync("replay", "wrong")).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await viewer.SignInAsync("replay")).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await viewer.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await viewer.PostAsync($"{Board}/queues/{Shop.Error}/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await administrator.SignInAsync("operator")).Status.ShouldBe(HttpStatusCode.SeeOther);
        await administrator.GetAsync($"{Board}/queues/{Shop.Error}");
        (await administrator.PostAsync($"{Board}/queues/{Shop.Error}/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await administrator.PostAsync(Board + "/sign-out")).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await administrator.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.Redirect);
    }

    [Fact]
    public async Task Forms_without_their_token_are_refused()
    {
        await using var shop = await Shop.CreateAsync(1, reports: false);
        await using var serve = Serve(shop);
        using var client = await serve.EnterAsync();

        (await client.PostWithoutTokenAsync($"{Board}/queues/{Shop.Error}/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await shop.VirtualHost.ReadyAsync(Shop.Error)).ShouldBe(1);
    }

    [Fact]
    public async Task Ctrl_c_ends_the_server_with_exit_code_0_and_nothing_left_in_its_folder_but_the_catalogue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await using var serve = Serve(orders);
        using var client = await serve.EnterAsync();
        await Eventually.SeeAsync(() => client.GetAsync(Board), board => board.Text.Contains("Dead letters 3 ", StringComparison.Ordinal), "the board shows 3 dead letters", TimeSpan.FromSeconds(10));

        (await serve.InterruptAsync()).ShouldBe(0);

        serve.Errors.TrimEnd().ShouldEndWith("Stopped.");
        var files = Directory.GetFiles(serve.Folder, "*", SearchOption.AllDirectories);
        var expected = Path.Combine(serve.Folder, ".local/share/workinit/catalogues/127.0.0.1-");
        files.ShouldAllBe(file => file.StartsWith(expected, StringComparison.Ordinal));
        var catalogue = files.Where(file => file.EndsWith(".db", StringComparison.Ordinal)).ShouldHaveSingleItem();
        serve.Errors.ShouldContain(catalogue);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(catalogue).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite); // it holds personal data
    }

    [Fact]
    public async Task Port_in_use_ends_the_start_with_a_line_that_names_the_option()
    {
        await using var orders = await Orders.CreateAsync();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        await using var serve = Serve(orders, port);

        (await serve.ExitAsync()).ShouldBe(2);

        serve.Errors.ShouldContain($"Port {port} of 127.0.0.1 is in use");
        serve.Errors.ShouldContain("--port");
        serve.Output.ShouldNotContain("token");
    }

    [Fact]
    public async Task Wrong_password_or_virtual_host_and_unreachable_broker_or_management_api_end_the_start_with_exit_code_3()
    {
        await using var orders = await Orders.CreateAsync();
        var broker = new Uri(orders.VirtualHost.ConnectionString("operator"));
        var management = orders.Options.Management.ToString();
        foreach (var (address, api, problem) in new[]
        {
            ($"amqp://operator:wrong@{broker.Authority}{broker.AbsolutePath}", management, "refuses the user operator: check the name, the password"),
            ($"amqp://operator:operator@{broker.Authority}/missing", management, "Check the virtual host missing"),
            ($"amqp://operator:operator@127.0.0.1:{Ports.TakeFree()}", management, "check the address, and that the broker is running"),
            (orders.VirtualHost.ConnectionString("operator"), $"http://127.0.0.1:{Ports.TakeFree()}", "--management sets another address"),
        })
        {
            await using var serve = ServeProcess.Start(new Dictionary<string, string>(), "--broker", address, "--management", api, "--port", "0", "--no-browser");
            (await serve.ExitAsync()).ShouldBe(3, serve.Errors);
            serve.Errors.ShouldContain(problem);
            serve.Errors.TrimEnd().Split('\n').ShouldHaveSingleItem();
            serve.Errors.ShouldNotContain("wrong");
        }
    }

    [Fact]
    public async Task Missing_permission_is_one_line_that_names_the_user()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        using var broker = TestBroker.FromEnvironment();
        var rights = new { configure = "^dead-letters.*", write = "^dead-letters.*", read = "^dead-letters.*" };
        (await broker.Management.PutAsJsonAsync($"/api/permissions/{orders.VirtualHost.Name}/replay", rights)).EnsureSuccessStatusCode();
        await using var serve = ServeProcess.Start(
            new Dictionary<string, string> { ["ConnectionStrings__RabbitMq"] = orders.VirtualHost.ConnectionString("replay"), ["RabbitMqManagement__Url"] = orders.Options.Management.ToString() },
            "--port", "0", "--no-browser");
        using var client = await serve.EnterAsync();

        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);

        await Eventually.SeeAsync(() => serve.Errors.Contains("permission", StringComparison.Ordinal), "the missing permission is printed", TimeSpan.FromSeconds(15));
        var line = serve.Errors.Split('\n').Where(line => line.Contains("permission", StringComparison.Ordinal)).ShouldHaveSingleItem();
        line.ShouldStartWith("The dead-letter pages lack something: The RabbitMQ user replay lacks permissions");
        line.ShouldContain("read orders_error");
        line.ShouldEndWith($"workinit dead-letters grant replay --vhost {orders.VirtualHost.Name}");
    }

    private static ServeProcess Serve(Orders orders, string port = "0") => ServeProcess.Start(new Dictionary<string, string>(), Arguments(orders, port));

    private static string[] Arguments(Orders orders, string port) =>
        ["--broker", orders.VirtualHost.ConnectionString("operator"), "--management", orders.Options.Management.ToString(), "--port", port, "--no-browser"];

    private static ServeProcess Serve(Shop shop, params string[] arguments) => ServeProcess.Start(shop.CommandSettings, ["--port", "0", "--no-browser", .. arguments]);
}

/// <summary><c>workinit dead-letters serve</c> while the broker is away.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class ServeOutageTests(ABrokerToStop broker)
{
    [Fact]
    public async Task Server_says_that_the_broker_is_away_and_goes_on_when_it_is_back()
    {
        await using var orders = await Orders.CreateAsync(broker: broker.Broker.ForOneSystem());
        await orders.PutFaultsAsync(2);
        await using var serve = ServeProcess.Start(
            new Dictionary<string, string>(), "--broker", orders.VirtualHost.ConnectionString("operator"), "--management", orders.Options.Management.ToString(), "--port", "0", "--no-browser");
        using var client = await serve.EnterAsync();
        await Eventually.SeeAsync(() => client.GetAsync("/dead-letters"), board => board.Text.Contains("Dead letters 2 ", StringComparison.Ordinal), "the board shows 2 dead letters", TimeSpan.FromSeconds(30));

        await broker.Broker.StopAsync();
        var queue = await client.GetAsync($"/dead-letters/queues/{Orders.Error}");
        queue.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        queue.Text.ShouldContain("The broker is unreachable");
        (await client.GetAsync("/dead-letters")).Text.ShouldContain("Dead letters 2 ");
        await Eventually.SeeAsync(() => serve.Errors.Contains("is not fed: RabbitMQ is unreachable", StringComparison.Ordinal), "the terminal shows the outage");
        await broker.Broker.StartAsync();
        await using (var channel = await orders.VirtualHost.OpenChannelAsync(confirms: true))
            await channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), "{}"u8.ToArray());

        await Eventually.SeeAsync(() => client.GetAsync("/dead-letters"), board => board.Text.Contains("Dead letters 3 ", StringComparison.Ordinal), "the board shows the new dead letter", TimeSpan.FromSeconds(40));
        (await serve.InterruptAsync()).ShouldBe(0);
        serve.Errors.Split('\n').Count(line => line.Contains("is not fed", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(3, serve.Errors); // one for each different reason
    }
}
