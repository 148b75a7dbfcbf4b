using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The dead-letter pages in WorkinIt, with each kind of RabbitMQ user. Each test has its own client address, because sign-in attempts are counted.</summary>
[Trait("broker", "any")] // tests pages and sign-in; the classes in DeadLetters cover the queue operations on each version
public sealed class DeadLetterPagesTests(DeadLetterWeb web) : IClassFixture<DeadLetterWeb>, IAsyncLifetime
{
    private const string Errors = DeadLetterWeb.Errors;
    private const string Jane = DeadLetterWeb.Jane;

    private readonly PageClient _client = web.NewClient();

    // The tests run in sequence, and each starts with empty queues.
    public async ValueTask InitializeAsync() => await web.System.VirtualHost.PurgeAllAsync();

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task No_dead_letter_page_is_reachable_without_sign_in()
    {
        var endpoints = Endpoints();
        endpoints.Count.ShouldBeGreaterThan(15);
        foreach (var (method, path, _) in endpoints)
        {
            var answer = method == "GET" ? await _client.GetAsync(path) : await _client.PostWithoutTokenAsync(path);
            answer.Status.ShouldBe(HttpStatusCode.Redirect, $"{method} {path}");
            answer.Location.ShouldNotBeNull().ShouldStartWith("/dead-letters/sign-in?returnUrl=%2Fdead-letters");
        }
    }

    [Theory]
    [InlineData("management")]
    [InlineData("monitoring")]
    [InlineData("policymaker")]
    public async Task User_with_view_permission_sees_dead_letters_and_cannot_act(string tag)
    {
        await DeadLetterPages.AddUserAsync(web.System.Broker, $"looks-{tag}", tag);
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
        (await _client.SignInAsync($"looks-{tag}")).Status.ShouldBe(HttpStatusCode.SeeOther);

        var causes = await _client.GetAsync($"/dead-letters/queues/{Errors}");
        causes.Text.ShouldContain("TimeoutException");
        causes.Text.ShouldNotContain("Replay");
        causes.Text.ShouldNotContain("Discard");
        foreach (var (method, path, _) in Endpoints().Where(endpoint => endpoint.Acts))
        {
            (await _client.PostAsync(path, ("which", "all"))).Status.ShouldBe(HttpStatusCode.Forbidden, $"{method} {path}");
        }
        (await web.System.VirtualHost.ReadyAsync(Errors)).ShouldBe(1);
    }

    [Theory]
    [InlineData("web", "web")] // a RabbitMQ user without a tag
    [InlineData("operator", "open-sesame-7391")]
    [InlineData("nobody", "nobody")]
    [InlineData("ope:rator", "x")]
    [InlineData("", "")]
    public async Task Wrong_credentials_are_rejected_and_the_password_is_neither_shown_nor_logged(string user, string password)
    {
        var answer = await _client.SignInAsync(user, password);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Text.ShouldContain("Wrong RabbitMQ user or password");
        (await _client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.Redirect);
        if (password == "open-sesame-7391")
            (answer.Html + web.System.Logs).ShouldNotContain(password);
    }

    [Fact]
    public async Task Each_action_rejects_a_request_without_an_antiforgery_token()
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");
        foreach (var (method, path, _) in Endpoints().Where(endpoint => endpoint.Method == "POST"))
        {
            var answer = await _client.PostWithoutTokenAsync(path, ("which", "all"));
            answer.Status.ShouldBe(HttpStatusCode.BadRequest, $"{method} {path}");
            answer.Text.ShouldContain("it was not sent from this site");
        }
        (await _client.PostWithoutTokenAsync("/dead-letters/sign-out")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Signing_out_ends_the_session_of_the_operator()
    {
        await _client.SignInAsync("operator");
        await _client.GetAsync("/dead-letters");
        (await _client.PostAsync("/dead-letters/sign-out")).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await _client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.Redirect);
    }

    [Theory]
    [InlineData("/dead-letters/audit?queue=a", "/dead-letters/audit?queue=a")]
    [InlineData("//evil.example", "/dead-letters")]
    [InlineData("https://evil.example", "/dead-letters")]
    [InlineData("/\\evil.example", "/dead-letters")]
    public async Task Sign_in_redirects_only_within_the_site(string target, string expected) =>
        (await _client.SignInAsync("operator", back: target)).Location.ShouldBe(expected);

    [Fact]
    public async Task Sixth_sign_in_attempt_in_a_minute_has_to_wait()
    {
        for (var attempt = 0; attempt < 5; attempt++)
            (await _client.SignInAsync($"guess{attempt}")).Status.ShouldBe(HttpStatusCode.Unauthorized);

        var answer = await _client.SignInAsync("operator");

        answer.Status.ShouldBe(HttpStatusCode.TooManyRequests);
        int.Parse(answer.RetryAfter.ShouldNotBeNull(), CultureInfo.InvariantCulture).ShouldBeInRange(1, 60);
        answer.Text.ShouldContain("Wait");
    }

    [Fact]
    public async Task Personal_data_is_masked_until_it_is_revealed_and_the_reveal_is_audited()
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "App.RefusedException", "550 5.1.1 <jane@example.com>: user unknown");
        await _client.SignInAsync("operator");
        var id = await FirstIdAsync();
        var letter = $"/dead-letters/queues/{Errors}/letters/{id}";
        foreach (var path in new[] { "/dead-letters", $"/dead-letters/queues/{Errors}", $"/dead-letters/queues/{Errors}/letters", letter, $"/dead-letters/find?id={id}" })
        {
            var page = await _client.GetAsync(path);
            page.Status.ShouldBe(HttpStatusCode.OK);
            page.Html.ShouldNotContain("jane@example", Case.Insensitive, path);
            page.Html.ShouldNotContain("coffee", Case.Insensitive, path);
            page.Html.ShouldNotContain("Jane Doe", Case.Sensitive, path);
        }
        var masked = await _client.GetAsync(letter);
        masked.Text.ShouldContain("j…@e…");
        masked.Text.ShouldContain("0199c4f0-0000-7000-8000-000000000001");

        var revealed = await _client.PostAsync(letter + "/reveal");

        revealed.Text.ShouldContain("jane@example.com");
        revealed.Text.ShouldContain("Jane Doe");
        revealed.Text.ShouldContain("Monday, and <b>no</b> coffee");
        revealed.Html.ShouldNotContain("<b>no</b>");
        var audit = await _client.GetAsync($"/dead-letters/audit?queue={Errors}");
        audit.Text.ShouldContain("reveal 1 by operator");
    }

    [Fact]
    public async Task Large_body_is_truncated_on_the_page_and_its_download_is_audited()
    {
        var message = $$"""{"numbers":[{{string.Join(',', Enumerable.Repeat(12, 2_700_000))}}]}""";
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, message, "App.RefusedException", "refused");
        await _client.SignInAsync("operator");
        var letter = $"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}";

        var page = await _client.GetAsync(letter);
        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Text.ShouldContain("Truncated: these are the first 200,000 characters");
        page.Html.Length.ShouldBeLessThan(8_000_000);
        (await _client.PostWithoutTokenAsync(letter + "/download")).Status.ShouldBe(HttpStatusCode.BadRequest);
        var body = await _client.PostAsync(letter + "/download");
        body.Html.ShouldContain(message);
        (await _client.GetAsync($"/dead-letters/audit?queue={Errors}")).Text.ShouldContain("reveal 1 by operator");
    }

    [Fact]
    public async Task Page_of_a_message_of_8_MB_needs_at_most_eight_times_its_memory()
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "App.RefusedException", "refused");
        await _client.SignInAsync("operator");
        foreach (var (_, open) in PagesOf(await FirstIdAsync()))
            await open(); // warm-up: compiles the pages and opens the connections
        await web.System.VirtualHost.PurgeAllAsync();
        var message = $$"""{"numbers":[{{string.Join(',', Enumerable.Repeat(7, 4_000_000))}}]}""";
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, message, "App.RefusedException", "refused");

        foreach (var (page, open) in PagesOf(await FirstIdAsync()))
        {
            var before = ProcessFigures.Memory(web.Process.Id);
            ProcessFigures.ForgetPeak(web.Process.Id);
            await open();
            (ProcessFigures.PeakMemory(web.Process.Id) - before).ShouldBeLessThanOrEqualTo(8 * message.Length / 1024.0 / 1024, $"MiB that {page} needs");
        }
    }

    // The pages that show a message, and those that show what it has in common with others.
    private (string Page, Func<Task<Answer>> OpenAsync)[] PagesOf(string id)
    {
        var queue = $"/dead-letters/queues/{Errors}";
        var letter = $"{queue}/letters/{id}";
        return
        [
            ("the list of causes", () => _client.GetAsync(queue)),
            ("the list of messages", () => _client.GetAsync(queue + "/letters")),
            ("a search for its id", () => _client.GetAsync($"/dead-letters/find?id={id}")),
            ("the masked message", () => _client.GetAsync(letter)),
            ("the revealed message", () => _client.PostAsync(letter + "/reveal")),
            ("the form to edit it", () => _client.PostAsync(letter + "/edit")),
            ("the dry run of a replay", async () => await _client.SeeEndAsync(await _client.FollowAsync(queue + "/replay", ("which", "all")))),
        ];
    }

    [Fact]
    public async Task Search_text_never_appears_in_a_URL()
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "App.RefusedException", "refused");
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane.Replace("jane", "joe", StringComparison.Ordinal), "App.RefusedException", "refused");
        await _client.SignInAsync("operator");
        await _client.GetAsync($"/dead-letters/queues/{Errors}/letters");

        var redirect = await _client.PostAsync($"/dead-letters/queues/{Errors}/filter", ("text", "joe@example.com"), ("exception", "Refused"));

        redirect.Location.ShouldNotBeNull().ShouldNotContain("joe");
        (await _client.GetAsync(redirect.Location)).Text.ShouldContain("1 to 1 of 1 that match");
    }

    [Fact]
    public async Task Message_that_a_replay_refuses_is_offered_for_discarding_first()
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, "{", "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");

        var letter = await _client.GetAsync($"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}");
        letter.Text.ShouldContain("Unreadable: its body is not valid JSON");
        letter.Text.IndexOf("Discard this message…", StringComparison.Ordinal).ShouldBeInRange(0, letter.Text.IndexOf("Replay this message…", StringComparison.Ordinal));
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        dryRun.Html.ShouldContain("<button disabled>Replay 0</button>");
        dryRun.Text.ShouldContain("Not checked: whether the cause is fixed");
        dryRun.Text.IndexOf("Discard 1 refused…", StringComparison.Ordinal).ShouldBeInRange(0, dryRun.Text.IndexOf("Replay 0", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ConnectionStrings__DeadLetters", "localhost")]
    [InlineData("ConnectionStrings__DeadLetters", "")]
    [InlineData("RabbitMqManagement__Url", "localhost:15672")]
    [InlineData("RabbitMqManagement__PublicUrl", "ftp://localhost")]
    [InlineData("DeadLetters__Queues", "*")]
    [InlineData("DeadLetters__OutcomeWait", "0")]
    public async Task Invalid_setting_of_the_dead_letter_pages_stops_the_start_with_a_line_that_names_it(string setting, string value)
    {
        var other = web.NewProcess(settings => settings[setting] = value);
        (await other.RunAsync()).ShouldBe(2);
        other.Log.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(setting);
    }

    [Fact]
    public async Task Dead_letter_pages_do_not_exist_without_their_settings()
    {
        var other = web.NewProcess(settings =>
        {
            settings.Remove("ConnectionStrings__DeadLetters");
            settings.Remove("RabbitMqManagement__Url");
        });
        await other.StartAsync();
        using var client = new PageClient(other.Address);
        foreach (var path in new[] { "/dead-letters", "/dead-letters/audit", "/dead-letters/sign-in" })
            (await client.GetAsync(path)).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Invalid_request_gets_an_error_page_with_the_matching_status()
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");
        (await _client.GetAsync("/dead-letters/queues/nowhere_error")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await _client.GetAsync("/dead-letters/queues/send-gif-email")).Status.ShouldBe(HttpStatusCode.NotFound); // not a dead-letter queue
        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters/0123456789abcdef")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters?since=yesterday")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _client.GetAsync("/dead-letters/operations/0")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await _client.PostAsync($"/dead-letters/queues/{Errors}/replay", ("which", "selected"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _client.PostAsync($"/dead-letters/queues/{Errors}/replay", ("which", "filter"))).Status.ShouldBe(HttpStatusCode.BadRequest);

        var letter = $"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}";
        var wrong = await _client.PostAsync(letter + "/edit/preview", ("message", "{\r\n  \"email\": jane\r\n}"));
        wrong.Status.ShouldBe(HttpStatusCode.BadRequest);
        wrong.Text.ShouldContain("Line 2, byte 12: not valid JSON");
        wrong.Text.ShouldContain("\"email\": jane");
    }

    [Fact]
    public async Task Dead_letter_that_expires_shows_its_remaining_time_in_the_list_and_on_its_page()
    {
        await using (var channel = await web.System.VirtualHost.OpenChannelAsync())
        {
            await channel.BasicPublishAsync("", Errors, mandatory: true, new RabbitMQ.Client.BasicProperties { MessageId = "foreign-1", Expiration = "18000000" }, "{}"u8.ToArray());
        }
        await web.System.SeeReadyAsync(Errors, 1);
        await _client.SignInAsync("operator");

        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters")).Text.ShouldContain("expires in at most 5 h");
        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}")).Text.ShouldContain("expires in at most 5 h");
    }

    [Fact]
    public async Task Long_queue_is_read_in_part_first_and_completely_on_request()
    {
        await PutManyAsync(12_000);
        await _client.SignInAsync("operator");
        var causes = await _client.GetAsync($"/dead-letters/queues/{Errors}");
        causes.Text.ShouldContain("10,000");
        causes.Text.ShouldContain("12,000");
        await web.System.SeeReadyAsync(Errors, 12_000);
        var all = await _client.GetAsync($"/dead-letters/queues/{Errors}?all=true");
        all.Text.ShouldContain("12,000");
        all.Text.ShouldNotContain("10,000");
        await web.System.SeeReadyAsync(Errors, 12_000);
    }

    private async Task PutManyAsync(int count)
    {
        await DeadLetterPages.PutAsync(web.System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s", count: 1);
        var one = (await web.System.VirtualHost.TakeAllAsync(Errors)).ShouldHaveSingleItem();
        await using var channel = await web.System.VirtualHost.OpenChannelAsync();
        for (var number = 0; number < count; number++)
            await channel.BasicPublishAsync("", Errors, mandatory: false, new RabbitMQ.Client.BasicProperties(one.BasicProperties) { MessageId = Guid.CreateVersion7().ToString() }, one.Body);
        await web.System.SeeReadyAsync(Errors, count);
    }

    private Task<string> FirstIdAsync() => _client.FirstIdAsync(Errors);

    // Reads the route table, so that a page added later is tested too.
    private static List<(string Method, string Path, bool Acts)> Endpoints()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse("amqp://a:b@localhost", new Uri("http://localhost")));
        builder.Services.AddAuthentication("any").AddCookie("any");
        builder.Services.AddAuthorizationBuilder().AddPolicy("view", policy => policy.RequireAuthenticatedUser()).AddPolicy("operate", policy => policy.RequireAuthenticatedUser());
        using var app = builder.Build();
        app.MapDeadLetters("/dead-letters", options => (options.ViewPolicy, options.OperatePolicy) = ("view", "operate"));
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Where(endpoint => !endpoint.RoutePattern.RawText!.Contains("/api/v1/", StringComparison.Ordinal)).SelectMany(endpoint =>
            endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Where(method => method != "HEAD").Select(method => (
                method,
                endpoint.RoutePattern.RawText!.TrimEnd('/').Replace("{queue}", Errors, StringComparison.Ordinal).Replace("{id}", "0123456789abcdef", StringComparison.Ordinal)
                    .Replace("{operation}", "00", StringComparison.Ordinal).Replace("{entry}", "00", StringComparison.Ordinal).Replace("{token}", "t_00", StringComparison.Ordinal).Replace("{source}", "billing", StringComparison.Ordinal),
                endpoint.Metadata.GetOrderedMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>().Any(data => data.Policy == "operate"))))];
    }
}
