using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The dead-letter pages in WorkinIt, with each kind of RabbitMQ user. Each test has its own Web, because sign-in attempts are counted.</summary>
[Trait("broker", "any")] // tests pages and sign-in; the classes in DeadLetters cover the queue operations on each version
public sealed class DeadLetterPagesTests : IAsyncLifetime
{
    private const string Errors = "send-gif-email_error";
    private const string Jane = """{"submissionId":"0199c4f0-0000-7000-8000-000000000001","email":"jane@example.com","thought":"Monday, and <b>no</b> coffee"}""";

    private WorkinItSystem _system = null!;
    private Uri _web = null!;
    private PageClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(_system);
        await Task.WhenAll(_system.DeployAsync(), _system.MigrateAsync());
        var web = _system.NewWeb();
        await web.StartAsync(); // without Consumers, so that replayed messages stay in the input queue
        _web = web.Address;
        _client = new PageClient(_web);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _system.DisposeAsync();
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
        await DeadLetterPages.AddUserAsync(_system.Broker, $"looks-{tag}", tag);
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
        (await _client.SignInAsync($"looks-{tag}")).Status.ShouldBe(HttpStatusCode.SeeOther);

        var causes = await _client.GetAsync($"/dead-letters/queues/{Errors}");
        causes.Text.ShouldContain("TimeoutException");
        causes.Text.ShouldNotContain("Replay");
        causes.Text.ShouldNotContain("Discard");
        foreach (var (method, path, _) in Endpoints().Where(endpoint => endpoint.Acts))
        {
            (await _client.PostAsync(path, ("which", "all"))).Status.ShouldBe(HttpStatusCode.Forbidden, $"{method} {path}");
        }
        (await _system.VirtualHost.ReadyAsync(Errors)).ShouldBe(1);
    }

    [Theory]
    [InlineData("web", "web")] // a RabbitMQ user without a tag
    [InlineData("operator", "wrong")]
    [InlineData("nobody", "nobody")]
    [InlineData("ope:rator", "x")]
    [InlineData("", "")]
    public async Task Wrong_credentials_are_rejected_and_the_password_is_neither_shown_nor_logged(string user, string password)
    {
        var answer = await _client.SignInAsync(user, password);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Text.ShouldContain("Wrong RabbitMQ user or password");
        (await _client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.Redirect);
        if (password == "wrong")
            (answer.Html + _system.Logs).ShouldNotContain("value=\"wrong");
    }

    [Fact]
    public async Task Each_action_rejects_a_request_without_an_antiforgery_token()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
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
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "App.RefusedException", "550 5.1.1 <jane@example.com>: user unknown");
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
        revealed.Text.ShouldContain("Monday, and <b>no</b> coffee");
        revealed.Html.ShouldNotContain("<b>no</b>");
        var audit = await _client.GetAsync($"/dead-letters/audit?queue={Errors}");
        audit.Text.ShouldContain("reveal 1 by operator");
    }

    [Fact]
    public async Task Large_body_is_truncated_on_the_page_and_its_download_is_audited()
    {
        var message = $$"""{"numbers":[{{string.Join(',', Enumerable.Repeat(12, 2_700_000))}}]}""";
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, message, "App.RefusedException", "refused");
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
    public async Task Search_text_never_appears_in_a_URL()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "App.RefusedException", "refused");
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane.Replace("jane", "joe", StringComparison.Ordinal), "App.RefusedException", "refused");
        await _client.SignInAsync("operator");
        await _client.GetAsync($"/dead-letters/queues/{Errors}/letters");

        var redirect = await _client.PostAsync($"/dead-letters/queues/{Errors}/filter", ("text", "joe@example.com"), ("exception", "Refused"));

        redirect.Location.ShouldNotBeNull().ShouldNotContain("joe");
        (await _client.GetAsync(redirect.Location)).Text.ShouldContain("1 to 1 of 1 that match");
    }

    [Fact]
    public async Task Cause_is_replayed_after_a_dry_run_and_other_dead_letters_stay()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s", count: 30);
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "App.RefusedException", "550 user unknown", count: 20);
        await _client.SignInAsync("operator");
        var causes = await _client.GetAsync($"/dead-letters/queues/{Errors}");
        var cause = causes.Link("cause=").Split("cause=")[1];
        causes.Text.ShouldContain("50 dead letters of send-gif-email with 2 causes");

        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "filter"), ("cause", cause)));
        dryRun.Text.ShouldContain("nothing has moved yet");
        dryRun.Text.ShouldContain("30: no consumer is connected to send-gif-email: it will wait there");
        (await _system.VirtualHost.ReadyAsync(Errors)).ShouldBe(50);
        var run = await _client.FollowAsync(dryRun.Path + "/run", ("pace", "1000"));
        await _system.SeeReadyAsync("send-gif-email", 30);
        await _client.PostAsync(run.Path + "/cancel"); // ends the wait for outcomes: no consumer runs here
        var outcome = await _client.SeeEndAsync(run);

        outcome.Text.ShouldContain("30 of 30 replayed: 30 may still be in the queue");
        (await _system.VirtualHost.ReadyAsync(Errors)).ShouldBe(20);
        (await _client.PostAsync(dryRun.Path + "/run")).Status.ShouldBe(HttpStatusCode.Conflict); // the same dry run can be run only once
        (await _client.GetAsync("/dead-letters/audit")).Text.ShouldContain("replay 30 by operator");
    }

    [Fact]
    public async Task Message_that_a_replay_refuses_is_offered_for_discarding_first()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, "{", "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");

        var letter = await _client.GetAsync($"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}");
        letter.Text.ShouldContain("Unreadable: its body is not valid JSON");
        letter.Text.IndexOf("Discard this message…", StringComparison.Ordinal).ShouldBeInRange(0, letter.Text.IndexOf("Replay this message…", StringComparison.Ordinal));
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        dryRun.Html.ShouldContain("<button disabled>Replay 0</button>");
        dryRun.Text.ShouldContain("Not checked: whether the cause is fixed");
        dryRun.Text.IndexOf("Discard 1 refused…", StringComparison.Ordinal).ShouldBeInRange(0, dryRun.Text.IndexOf("Replay 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Dry_run_shows_where_a_request_goes_and_the_replay_can_omit_its_response_address()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, """{},"responseAddress":"rabbitmq://localhost/bus-shop-1" """, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");

        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}")).Text.ShouldContain("A request: its consumer answers to bus-shop-1 again");
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        dryRun.Text.ShouldContain("1 to send-gif-email");
        dryRun.Text.ShouldContain("its response exchange bus-shop-1 no longer exists");
        dryRun.Html.ShouldContain("name=\"noresponse\"");
        await _client.FollowAsync(dryRun.Path + "/run", ("noresponse", "true"));
        await _system.SeeReadyAsync("send-gif-email", 1);
        System.Text.Encoding.UTF8.GetString((await _system.VirtualHost.TakeAllAsync("send-gif-email"))[0].Body.Span).ShouldNotContain("responseAddress");
    }

    [Theory]
    [InlineData("ConnectionStrings__DeadLetters", "localhost")]
    [InlineData("ConnectionStrings__DeadLetters", "")]
    [InlineData("RabbitMqManagement__Url", "localhost:15672")]
    [InlineData("RabbitMqManagement__PublicUrl", "ftp://localhost")]
    [InlineData("DeadLetters__Queues", "*")]
    public async Task Invalid_setting_of_the_dead_letter_pages_stops_the_start_with_a_line_that_names_it(string setting, string value)
    {
        _system.Settings[setting] = value;
        var web = _system.NewWeb();
        (await web.RunAsync()).ShouldBe(2);
        web.Log.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(setting);
    }

    [Fact]
    public async Task Queue_with_a_custom_name_is_found_and_its_messages_are_replayed_to_their_input_queue()
    {
        _system.Settings["DeadLetters__Queues"] = "*.dlq";
        _system.Settings["ConnectionStrings__DeadLetters"] = _system.VirtualHost.ConnectionString("operator"); // a user who may read the queue
        await using (var channel = await _system.VirtualHost.OpenChannelAsync())
            await channel.QueueDeclareAsync("gifs.dlq", durable: true, exclusive: false, autoDelete: false);
        await DeadLetterPages.PutAsync(_system.VirtualHost, "gifs.dlq", Jane, "System.TimeoutException", "It took 30 s");
        var web = _system.NewWeb();
        await web.StartAsync();
        using var client = new PageClient(web.Address);
        await client.SignInAsync("operator");

        (await client.GetAsync("/dead-letters")).Text.ShouldContain("gifs.dlq");
        (await client.GetAsync("/dead-letters/queues/gifs.dlq")).Text.ShouldContain("TimeoutException");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync("/dead-letters/queues/gifs.dlq/replay", ("which", "all")));
        await client.PostAsync(dryRun.Path + "/run");

        await _system.SeeReadyAsync("send-gif-email", 1);
    }

    [Fact]
    public async Task Dead_letter_pages_do_not_exist_without_their_settings()
    {
        _system.Settings.Remove("ConnectionStrings__DeadLetters");
        _system.Settings.Remove("RabbitMqManagement__Url");
        var web = _system.NewWeb();
        await web.StartAsync();
        using var client = new PageClient(web.Address);
        foreach (var path in new[] { "/dead-letters", "/dead-letters/audit", "/dead-letters/sign-in" })
            (await client.GetAsync(path)).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Page_of_a_locked_queue_shows_who_holds_the_lock_and_since_when()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s", count: 20);
        await _client.SignInAsync("operator");
        using var other = new DeadLetterClient(
            DeadLetterOptions.Parse(_system.VirtualHost.ConnectionString("replay"), new Uri(TestBroker.Required("WORKINIT_TEST_MANAGEMENT"))),
            new AuditFile(Path.Combine(_system.Folder, "other.jsonl")));
        using var cancel = new CancellationTokenSource();
        var slow = other.ReplayAsync(new ReplayRequest { Queue = Errors, Filter = DeadLetterFilter.All, By = "Ann on the night shift", Pace = 0.2 }, null, cancel.Token);
        await Eventually.SeeAsync(() => _system.VirtualHost.ReadyAsync("send-gif-email"), ready => ready >= 1, "the other replay moves messages"); // one every 5 s

        var answer = await _client.GetAsync($"/dead-letters/queues/{Errors}");

        answer.Status.ShouldBe(HttpStatusCode.Conflict);
        answer.Text.ShouldContain("Another operation is running on this queue");
        answer.Text.ShouldContain("Ann on the night shift is running an operation on this queue (replay, since 20");
        await cancel.CancelAsync();
        await slow;
    }

    [Fact]
    public async Task Invalid_request_gets_an_error_page_with_the_matching_status()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
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
    public async Task Nothing_is_done_when_the_audit_cannot_be_written_and_the_page_says_so()
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");
        var letter = $"/dead-letters/queues/{Errors}/letters/{await FirstIdAsync()}";
        Directory.CreateDirectory(Path.Combine(_system.Folder, "dead-letters-audit.jsonl")); // a folder instead of the file: not even root can write to it

        var reveal = await _client.PostAsync(letter + "/reveal");

        reveal.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        reveal.Text.ShouldContain("The audit can’t be written");
        reveal.Text.ShouldContain("dead-letters-audit.jsonl");
        reveal.Html.ShouldNotContain("jane@example.com");
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/discard", ("which", "all")));
        var run = await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/run"));
        run.Text.ShouldContain("The audit can’t be written");
        (await _system.VirtualHost.ReadyAsync(Errors)).ShouldBe(1);
    }

    [Fact]
    public async Task Long_queue_is_read_in_part_first_and_completely_on_request()
    {
        await PutManyAsync(12_000);
        await _client.SignInAsync("operator");
        var causes = await _client.GetAsync($"/dead-letters/queues/{Errors}");
        causes.Text.ShouldContain("10,000");
        causes.Text.ShouldContain("12,000");
        await _system.SeeReadyAsync(Errors, 12_000);
        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters")).Text.ShouldContain("12,000");
        await _system.SeeReadyAsync(Errors, 12_000);
    }

    private async Task PutManyAsync(int count)
    {
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s", count: 1);
        var one = (await _system.VirtualHost.TakeAllAsync(Errors)).ShouldHaveSingleItem();
        await using var channel = await _system.VirtualHost.OpenChannelAsync();
        for (var number = 0; number < count; number++)
            await channel.BasicPublishAsync("", Errors, mandatory: false, new RabbitMQ.Client.BasicProperties(one.BasicProperties) { MessageId = Guid.CreateVersion7().ToString() }, one.Body);
        await _system.SeeReadyAsync(Errors, count);
    }

    private async Task<string> FirstIdAsync() =>
        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters")).Link($"/queues/{Errors}/letters/").Split('/')[^1];

    // Reads the route table, so that a page added later is tested too.
    private static List<(string Method, string Path, bool Acts)> Endpoints()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse("amqp://a:b@localhost", new Uri("http://localhost")));
        builder.Services.AddAuthentication("any").AddCookie("any");
        builder.Services.AddAuthorizationBuilder().AddPolicy("look", policy => policy.RequireAuthenticatedUser()).AddPolicy("act", policy => policy.RequireAuthenticatedUser());
        using var app = builder.Build();
        app.MapDeadLetters("/dead-letters", options => (options.LookPolicy, options.ActPolicy) = ("look", "act"));
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().SelectMany(endpoint =>
            endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Where(method => method != "HEAD").Select(method => (
                method,
                endpoint.RoutePattern.RawText!.TrimEnd('/').Replace("{queue}", Errors, StringComparison.Ordinal).Replace("{id}", "0123456789abcdef", StringComparison.Ordinal)
                    .Replace("{operation}", "00", StringComparison.Ordinal).Replace("{entry}", "00", StringComparison.Ordinal),
                endpoint.Metadata.GetOrderedMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>().Any(data => data.Policy == "act"))))];
    }
}
