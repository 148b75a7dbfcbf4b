using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.DeadLetters.Dashboard.Api;
using WorkinIt.Dev;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Operations through the HTTP API, over real queues.</summary>
public sealed class ApiOperationTests
{
    // What each page does, and the route of the API that does it. A page that is added later needs one, or a reason here.
    private static readonly Dictionary<string, string?> _pages = new()
    {
        ["GET "] = "listCauses",
        ["POST /search"] = "searchLetters",
        ["GET /events"] = null, // makes an open page reload
        ["GET /letters"] = "listLetters",
        ["POST /letters/replay"] = "startDryRun",
        ["POST /letters/discard"] = "startDryRun",
        ["POST /letters/put-back"] = "putBackLetters",
        ["POST /letters/dismiss"] = "dismissLetters",
        ["GET /find"] = "findMessage",
        ["GET /queues"] = "listQueues",
        ["GET /queues/{queue}"] = "listCauses",
        ["POST /queues/{queue}"] = "listCauses",
        ["GET /queues/{queue}/letters"] = "listLetters",
        ["POST /queues/{queue}/letters"] = "listLetters",
        ["POST /queues/{queue}/filter"] = "searchLetters",
        ["GET /queues/{queue}/letters/{id}"] = "getLetter",
        ["POST /queues/{queue}/letters/{id}"] = "getLetter",
        ["POST /queues/{queue}/letters/{id}/reveal"] = "getLetter",
        ["POST /queues/{queue}/letters/{id}/download"] = "getLetter",
        ["POST /queues/{queue}/letters/{id}/edit"] = "getLetter",
        ["POST /queues/{queue}/letters/{id}/edit/preview"] = "startDryRun",
        ["POST /queues/{queue}/replay"] = "startDryRun",
        ["POST /queues/{queue}/discard"] = "startDryRun",
        ["POST /queues/{queue}/restore"] = "startDryRun",
        ["GET /operations/{operation}"] = "getOperation",
        ["POST /operations/{operation}/again"] = "startDryRun",
        ["POST /operations/{operation}/run"] = "startOperation",
        ["POST /operations/{operation}/repair"] = "startDryRun",
        ["POST /operations/{operation}/repair/preview"] = "startDryRun",
        ["POST /operations/{operation}/cancel"] = "cancelOperation",
        ["POST /operations/{operation}/pause"] = "pauseOperation",
        ["POST /operations/{operation}/resume"] = "resumeOperation",
        ["POST /operations/{operation}/slower"] = "resumeOperationSlower",
        ["GET /audit"] = "listAudit",
        ["POST /audit/{entry}/reveal"] = "revealEdit",
        ["GET /causes/{cause}"] = "getCause",
        ["POST /causes/{cause}/triage"] = "triageCause",
        ["GET /notifications"] = "listReceivers",
        ["POST /notifications/test"] = "testReceiver",
        ["GET /doctor"] = null, // about the broker: workinit doctor --json
        ["GET /tokens"] = null, // a token must not make others
        ["POST /tokens"] = null,
        ["POST /tokens/{token}/revoke"] = null,
    };

    [Fact]
    public void API_does_all_that_the_pages_do()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse("amqp://a:b@localhost", new Uri("http://localhost")));
        builder.Services.AddDeadLetterCatalogue(_ => new() { Database = WorkinIt.Storage.Database.Parse("Data Source=never-opened.db") });
        builder.Services.AddAuthentication("any").AddCookie("any");
        builder.Services.AddAuthorizationBuilder().AddPolicy("view", policy => policy.RequireAuthenticatedUser()).AddPolicy("operate", policy => policy.RequireAuthenticatedUser());
        using var app = builder.Build();
        app.MapDeadLetters("/dead-letters", "view", "operate");

        var pages = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Select(endpoint => $"{endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods[0]} {endpoint.RoutePattern.RawText!["/dead-letters".Length..].TrimEnd('/').Replace("/sources/{source}", "", StringComparison.Ordinal)}")
            .Where(page => !page.Contains("/api/v1", StringComparison.Ordinal) && !page.Contains("/assets/", StringComparison.Ordinal)).Distinct().ToList();

        pages.ShouldBe(_pages.Keys, ignoreOrder: true);
        var names = ApiRoutes.All.Select(route => route.Name).ToHashSet();
        _pages.Values.OfType<string>().Where(name => !names.Contains(name)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Program_pauses_a_running_replay_and_resumes_it()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(8);
        await using var application = await ReportingApplication.StartAsync(orders, _ => Handling.Succeeds);
        await using var site = await StartAsync(orders);
        using var program = await ProgramAsync(site);
        var dryRun = await program.SeeEndAsync(await program.PostAsync("dry-runs", """{ "verb": "replay", "queue": "orders_error", "all": true, "allAtOnce": true, "pace": 0.2 }"""));
        (await program.PostAsync($"operations/{dryRun["id"]}/pause", null)).Status.ShouldBe(HttpStatusCode.Conflict); // a dry run

        var started = await program.PostAsync("operations", $$"""{ "dryRunId": "{{dryRun["id"]}}" }""");
        var asked = await program.PostAsync($"operations/{started["id"]}/pause", null);
        asked.Status.ShouldBe(HttpStatusCode.Accepted, asked.Text);

        var paused = await Eventually.SeeAsync(() => program.GetAsync($"operations/{started["id"]}"), answer => answer["state"] == "paused", "the replay has paused");
        paused.Json.GetProperty("pause").GetProperty("reason").GetString().ShouldBe("requested");
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBeGreaterThan(0);
        (await program.PostAsync($"operations/{started["id"]}/slower", """{ "pace": 1000 }""")).Status.ShouldBe(HttpStatusCode.Accepted);
        (await Eventually.SeeAsync(() => program.GetAsync($"operations/{started["id"]}"), answer => answer["state"] == "ended", "the replay has ended"))["summary"].ShouldBe("8 of 8 replayed: 8 handled");
        (await program.PostAsync("operations/unknown/pause", null)).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Replay_that_only_removes_a_message_whose_copy_is_there_too_can_be_run()
    {
        await using var orders = await Orders.CreateAsync();
        var id = (await orders.PutFaultsAsync(1))[0];
        await using var site = await StartAsync(orders);
        var original = await Eventually.SeeAsync(() => orders.Client.FindAsync(Orders.Error, id.ToString(), "jane", default), letter => letter is not null, "the dead letter is there");
        await site.Audit.WriteAsync(
            new AuditEntry { Id = "earlier", At = DateTimeOffset.UtcNow, By = "jane", Verb = "replay", Queue = Orders.Error, Doubts = [new Doubt(original!.Id, original.MessageId, "earlier.1")] }, default);
        var copy = Orders.Faulted(id);
        (copy.Headers!["Replay-Id"], copy.Headers["Replay-Count"]) = ("earlier.1", 1);
        await orders.PutAsync(copy, original.Body.ToArray());
        await orders.SeeAsync(Orders.Error, 2);
        using var program = await ProgramAsync(site);

        var dryRun = await program.SeeEndAsync(await program.PostAsync("dry-runs", $$"""{ "verb": "replay", "queue": "orders_error", "ids": ["{{original.Id}}"] }"""));
        dryRun["summary"].ShouldBe("0 of 0 would be moved, 1 removed");
        dryRun["expiresAt"].ShouldNotBeNullOrEmpty();
        var started = await program.PostAsync("operations", $$"""{ "dryRunId": "{{dryRun["id"]}}" }""");

        started.Status.ShouldBe(HttpStatusCode.Accepted, started.Text);
        await program.SeeEndAsync(started);
        await orders.SeeAsync(Orders.Error, 1);
    }

    [Fact]
    public async Task Incident_is_found_rehearsed_replayed_and_followed_to_the_outcome_of_each_message()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(8, causes: 2);
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 2 ? Handling.Fails : Handling.Succeeds);
        await using var site = await StartAsync(orders);
        using var program = await ProgramAsync(site);

        var causes = await Eventually.SeeAsync(() => program.GetAsync("causes"), answer => answer["letters"] == "8", "all dead letters are in the catalogue");
        var cause = causes.Json.GetProperty("causes").EnumerateArray().First(one => one.GetProperty("text").GetString()!.Contains("did not answer", StringComparison.Ordinal));
        cause.GetProperty("count").GetInt64().ShouldBe(4);
        var (id, queue) = (cause.GetProperty("id").GetString(), cause.GetProperty("queues")[0].GetProperty("queue").GetString());

        var dryRun = await program.SeeEndAsync(await program.PostAsync("dry-runs", $$"""{ "verb": "replay", "queue": "{{queue}}", "cause": "{{id}}", "allAtOnce": true }"""));
        dryRun["summary"].ShouldBe("4 of 4 would be moved");
        dryRun.Json.GetProperty("result").GetProperty("targets")[0].GetProperty("count").GetInt64().ShouldBe(4);
        await orders.SeeAsync(Orders.Error, 8);

        var started = await program.PostAsync("operations", $$"""{ "dryRunId": "{{dryRun["id"]}}" }""");
        started.Status.ShouldBe(HttpStatusCode.Accepted, started.Text);
        var ended = await program.SeeEndAsync(started);
        ended["state"].ShouldBe("ended", ended.Text);
        var counts = ended.Json.GetProperty("outcomes").GetProperty("counts");
        (counts.GetProperty("handled").GetInt64(), counts.GetProperty("failedAgain").GetInt64()).ShouldBe((3, 1), ended.Text);
        ended.Json.GetProperty("outcomes").GetProperty("messages")[0].GetProperty("outcome").GetString().ShouldBe("failedAgain");

        var entry = (await program.GetAsync("audit")).Json.GetProperty("entries")[0];
        entry.GetProperty("id").GetString().ShouldBe(ended["auditId"]);
        entry.GetProperty("by").GetString().ShouldStartWith("Sam (token deploy-bot, t_");
        await orders.SeeAsync(Orders.Error, 5);
    }

    [Fact]
    public async Task Page_and_API_show_the_same_letters_operation_and_audit_log()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(6, causes: 3);
        await using var site = await StartAsync(orders);
        using var program = await ProgramAsync(site);
        using var page = new PageClient(site.Address);
        var causes = await Eventually.SeeAsync(() => program.GetAsync("causes"), answer => answer["letters"] == "6", "all dead letters are in the catalogue");

        var board = (await page.GetAsync("/dead-letters")).Text;
        foreach (var cause in causes.Json.GetProperty("causes").EnumerateArray())
            board.ShouldContain(cause.GetProperty("text").GetString()!);
        var listed = (await program.GetAsync("letters")).Json.GetProperty("letters").EnumerateArray().ToList();
        var letters = (await page.GetAsync("/dead-letters/letters")).Html;
        listed.Count.ShouldBe(6);
        foreach (var letter in listed)
            letters.ShouldContain($"/letters/{letter.GetProperty("id").GetString()}");
        var first = listed[0].GetProperty("id").GetString();
        var shown = (await page.GetAsync($"/dead-letters/queues/orders_error/letters/{first}")).Text;
        var details = (await program.GetAsync($"letters/{first}?queue=orders_error")).Json;
        shown.ShouldContain(details.GetProperty("reason").GetString()!);
        shown.ShouldContain(details.GetProperty("message").GetProperty("note").GetString()!);
        foreach (var header in details.GetProperty("headers").EnumerateArray().Where(header => header.GetProperty("name").GetString() != "MT-Fault-StackTrace")) // the page folds it
            shown.ShouldContain($"{header.GetProperty("name").GetString()} {string.Join(' ', header.GetProperty("value").GetString()!.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}");
        (await program.GetAsync("queues")).Json.GetProperty("queues")[0].GetProperty("messages").GetInt64().ShouldBe(6);

        await page.GetAsync("/dead-letters/queues/orders_error");
        var discard = await page.SeeEndAsync(await page.FollowAsync("/dead-letters/queues/orders_error/discard", ("which", "filter"), ("id", first!)));
        var same = await program.GetAsync("operations/" + discard.Path.Split('/')[^1]);
        (same["by"], same["summary"], same["isDryRun"]).ShouldBe(("Erin", "1 of 1 would be moved", "True"));
        (await program.PostAsync("operations", $$"""{ "dryRunId": "{{same["id"]}}" }""")).Status.ShouldBe(HttpStatusCode.Forbidden); // another caller's
        (await page.SeeEndAsync(await page.FollowAsync(discard.Path + "/run"))).Text.ShouldContain("Discarded 1");
        var audit = (await program.GetAsync("audit")).Json.GetProperty("entries")[0];
        var table = (await page.GetAsync("/dead-letters/audit")).Text;
        table.ShouldContain(audit.GetProperty("id").GetString()!);
        table.ShouldContain($"discard {audit.GetProperty("done").GetInt64()} by {audit.GetProperty("by").GetString()}");
    }

    [Fact]
    public async Task Dry_run_is_run_once_and_a_request_with_the_same_key_is_done_once()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await using var site = await StartAsync(orders);
        using var program = await ProgramAsync(site);
        using var other = await ProgramAsync(site, "other");
        var ids = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 3, "jane", default)).Letters.Select(letter => letter.Id).ToList();
        var discard = $$"""{ "verb": "discard", "queue": "orders_error", "ids": ["{{ids[0]}}"] }""";

        var first = await program.PostAsync("dry-runs", discard, ("Idempotency-Key", "a"));
        (await program.PostAsync("dry-runs", discard, ("Idempotency-Key", "a")))["id"].ShouldBe(first["id"]);
        var changed = await program.PostAsync("dry-runs", discard.Replace(ids[0], ids[1], StringComparison.Ordinal), ("Idempotency-Key", "a"));
        (changed.Status, changed["field"]).ShouldBe((HttpStatusCode.Conflict, "Idempotency-Key"));
        (await other.PostAsync("dry-runs", discard, ("Idempotency-Key", "a")))["id"].ShouldNotBe(first["id"]); // another caller's key

        await program.SeeEndAsync(first);
        var run = $$"""{ "dryRunId": "{{first["id"]}}" }""";
        (await other.PostAsync("operations", run)).Status.ShouldBe(HttpStatusCode.Forbidden);
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => program.PostAsync("operations", run, ("Idempotency-Key", "b"))));
        answers.Select(answer => (answer.Status, answer["id"])).Distinct().ShouldBe([(HttpStatusCode.Accepted, answers[0]["id"])]);
        await program.SeeEndAsync(answers[0]);
        var again = await program.PostAsync("operations", run);
        (again.Status, again["title"]).ShouldBe((HttpStatusCode.Conflict, "Already started"));
        await orders.SeeAsync(Orders.Error, 2);
        (await program.GetAsync("audit")).Json.GetProperty("entries").EnumerateArray().Count(entry => entry.GetProperty("verb").GetString() == "discard").ShouldBe(1);
    }

    [Fact]
    public async Task Dry_run_that_has_expired_is_not_run()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        await using var site = await StartAsync(orders, options => options.DryRunLife = TimeSpan.Zero);
        using var program = await ProgramAsync(site);
        var dryRun = await program.SeeEndAsync(await program.PostAsync("dry-runs", """{ "verb": "discard", "queue": "orders_error", "all": true }"""));
        var refused = await program.PostAsync("operations", $$"""{ "dryRunId": "{{dryRun["id"]}}" }""");
        (refused.Status, refused["title"], refused["field"]).ShouldBe((HttpStatusCode.Conflict, "Dry run expired", "dryRunId"));
        await orders.SeeAsync(Orders.Error, 1);
    }

    [Fact]
    public async Task Messages_are_edited_repaired_discarded_restored_and_exported()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(4);
        await using var site = await StartAsync(orders);
        using var program = await ProgramAsync(site);
        var ids = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 4, "jane", default)).Letters.Select(letter => letter.Id).ToList();

        var export = await program.GetAsync("export?queue=orders_error");
        export.ContentType.ShouldBe("application/x-ndjson");
        export.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line).GetProperty("id").GetString()).ShouldBe(ids);

        (await program.GetAsync("letters/0123456789abcdef?queue=orders_error")).Status.ShouldBe(HttpStatusCode.NotFound);
        await RunAsync(program, $$"""{ "verb": "edit", "queue": "orders_error", "ids": ["{{ids[0]}}"], "message": { "number": 4711 } }""", "1 of 1 replayed");
        var repair = await RunAsync(program, $$"""{ "verb": "repair", "queue": "orders_error", "ids": ["{{ids[1]}}"], "patch": [{ "op": "add", "path": "/repaired", "value": true }] }""", "1 of 1 replayed");
        repair.Json.GetProperty("result").GetProperty("repairs")[0].GetProperty("examples")[0].GetProperty("diff").EnumerateArray().ShouldContain(line => line.GetString()!.Contains("repaired", StringComparison.Ordinal));
        await RunAsync(program, $$"""{ "verb": "discard", "queue": "orders_error", "ids": ["{{ids[2]}}"] }""", "1 of 1 moved");
        await orders.SeeAsync("orders_discarded", 1);
        await RunAsync(program, """{ "verb": "restore", "queue": "orders_discarded", "all": true }""", "1 of 1 moved");
        await orders.SeeAsync(Orders.Error, 2);

        var bodies = await orders.TakeAllAsync(Orders.Input);
        bodies.Count.ShouldBe(2);
        var texts = bodies.Select(body => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(body.Split(' ')[0]))).ToList();
        texts.ShouldContain(text => text.Contains("4711", StringComparison.Ordinal));
        texts.ShouldContain(text => text.Contains("\"repaired\":true", StringComparison.Ordinal) || text.Contains("\"repaired\": true", StringComparison.Ordinal));
        (await program.GetAsync("audit")).Json.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("verb").GetString()).ShouldBe(["restore", "discard", "repair", "edit", "export"]);
    }

    [Fact]
    public async Task Without_a_catalogue_the_API_reads_the_queues_and_the_page_of_tokens_says_why_there_are_none()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(5);
        await using var site = await CatalogueSite.StartOverAsync(hasCatalogue: false, ("shop", orders.Options));
        using var browser = new ApiClient(site.Address, token: null);
        (await browser.GetAsync("causes?queue=orders_error")).Json.GetProperty("causes")[0].GetProperty("count").GetInt64().ShouldBe(5);
        var first = await browser.GetAsync("letters?queue=orders_error&limit=3");
        first.Json.GetProperty("letters").GetArrayLength().ShouldBe(3);
        var second = await browser.GetAsync($"letters?queue=orders_error&limit=3&cursor={first["nextCursor"]}");
        (second.Json.GetProperty("letters").GetArrayLength(), second["nextCursor"]).ShouldBe((2, ""));
        (await browser.GetAsync("letters"))["field"].ShouldBe("queue");

        using var program = new ApiClient(site.Address, "wdl_" + new string('A', 43));
        var refused = await program.GetAsync("queues");
        (refused.Status, refused["detail"]).ShouldBe((HttpStatusCode.Unauthorized, "This application has no catalogue, so it has no tokens."));
        using var page = new PageClient(site.Address);
        (await page.GetAsync("/dead-letters/tokens")).Text.ShouldContain("no catalogue of dead letters, so it can’t keep tokens");
    }

    [Fact]
    public async Task Export_that_can_not_begin_is_answered_with_the_reason()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        await using var site = await StartAsync(orders);
        using var program = await ProgramAsync(site);
        await using var channel = await orders.VirtualHost.OpenChannelAsync();
        await channel.QueueDeclareAsync("dead-letters-lock:" + Orders.Error, durable: false, exclusive: true, autoDelete: false); // as an operation does that runs elsewhere

        var refused = await program.GetAsync("export?queue=orders_error");
        (refused.Status, refused.ContentType).ShouldBe((HttpStatusCode.Conflict, "application/problem+json"), refused.Text);
        await channel.QueueDeleteAsync("dead-letters-lock:" + Orders.Error, ifUnused: false, ifEmpty: false);
        (await program.GetAsync("export?queue=orders_error")).Text.ShouldContain("orders_error");
    }

    [Fact]
    public async Task Edit_by_a_user_who_sees_the_original_on_the_page_of_the_dry_run_is_a_reveal()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        await using var site = await StartAsync(orders);
        using var browser = new ApiClient(site.Address, token: null);
        var id = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", default)).Letters[0].Id;
        var edit = $$"""{ "verb": "edit", "queue": "orders_error", "ids": ["{{id}}"], "message": { "number": 4711 } }""";

        var dryRun = await browser.PostAsync("dry-runs", edit, ("Sec-Fetch-Site", "same-origin"));
        dryRun.Status.ShouldBe(HttpStatusCode.Accepted, dryRun.Text);
        await browser.PostAsync("dry-runs", edit, ("Sec-Fetch-Site", "same-origin"));
        var entry = (await site.Audit.ReadAsync(null, 10, default)).ShouldHaveSingleItem();
        (entry.Verb, entry.By).ShouldBe(("reveal", "Erin"));
    }

    [Fact]
    public async Task Letter_in_a_queue_where_reading_has_a_cost_is_read_only_after_a_confirmation()
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-delivery-limit"] = 6 });
        await orders.PutFaultsAsync(1);
        await using var site = await CatalogueSite.StartOverAsync(hasCatalogue: false, ("shop", orders.Options));
        using var browser = new ApiClient(site.Address, token: null);
        var id = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", default)).Letters[0].Id;
        await Eventually.SeeAsync(() => browser.GetAsync("causes?queue=orders_error"), answer => answer.Status == HttpStatusCode.Conflict, "the management API has counted the message");

        foreach (var reveal in new[] { "", "&reveal=true" })
        {
            var refused = await browser.GetAsync($"letters/{id}?queue=orders_error{reveal}", ("Sec-Fetch-Site", "same-origin"));
            (refused.Status, refused.ContentType).ShouldBe((HttpStatusCode.Conflict, "application/problem+json"), refused.Text);
            refused["field"].ShouldBe("confirm");
            (await browser.GetAsync($"letters/{id}?queue=orders_error{reveal}&confirm=true", ("Sec-Fetch-Site", "same-origin"))).Status.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Commands_of_the_documentation_work_from_the_cause_to_the_operation()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        await using var site = await StartAsync(orders);
        var (_, token) = await site.MakeTokenAsync();
        using (var program = new ApiClient(site.Address, token))
            await Eventually.SeeAsync(() => program.GetAsync("causes"), answer => answer["letters"] == "2", "all dead letters are in the catalogue");
        var lines = await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "docs", "api.md"));
        var ids = new Dictionary<string, string>();

        var causes = await NextAsync(0);
        ids[ApiExamples.Cause] = causes.GetProperty("causes")[0].GetProperty("id").GetString()!;
        ids[ApiExamples.LetterId] = (await NextAsync(1)).GetProperty("letters")[1].GetProperty("id").GetString()!;
        (await NextAsync(2)).GetProperty("letter").GetProperty("id").GetString().ShouldBe(ids[ApiExamples.LetterId]);
        ids[ApiExamples.Operation] = (await NextAsync(3)).GetProperty("id").GetString()!;
        await Eventually.SeeAsync(() => NextAsync(5), answer => answer.GetProperty("state").GetString() == "ended", "the dry run has ended");
        var operation = await NextAsync(4);
        operation.GetProperty("isDryRun").GetBoolean().ShouldBeFalse(operation.GetRawText());

        async Task<JsonElement> NextAsync(int index)
        {
            var command = lines.Where(line => line.StartsWith("call ", StringComparison.Ordinal)).ElementAt(index);
            command = ids.Aggregate(command, (text, id) => text.Replace(id.Key, id.Value, StringComparison.Ordinal));
            var start = new ProcessStartInfo("bash", ["-c", $"{lines.Single(line => line.StartsWith("call()", StringComparison.Ordinal))}\n{command}"]) { RedirectStandardOutput = true };
            (start.Environment["API"], start.Environment["TOKEN"]) = ($"{site.Address}dead-letters/api/v1", token);
            using var bash = Process.Start(start)!;
            var output = await bash.StandardOutput.ReadToEndAsync();
            await bash.WaitForExitAsync();
            return JsonElement.Parse(output);
        }
    }

    private static async Task<ApiReply> RunAsync(ApiClient program, string json, string result)
    {
        var dryRun = await program.SeeEndAsync(await program.PostAsync("dry-runs", json));
        dryRun["state"].ShouldBe("ended", dryRun.Text);
        var run = await program.SeeEndAsync(await program.PostAsync("operations", $$"""{ "dryRunId": "{{dryRun["id"]}}" }"""));
        run["summary"]!.ShouldContain(result, customMessage: run.Text);
        return dryRun;
    }

    private static Task<CatalogueSite> StartAsync(Orders orders, Action<DashboardOptions>? configure = null) =>
        CatalogueSite.StartOverAsync(hasCatalogue: true, configure, ("shop", orders.Options with { OutcomeWait = TimeSpan.FromSeconds(5) }));

    private static async Task<ApiClient> ProgramAsync(CatalogueSite site, string name = "deploy-bot") => new(site.Address, (await site.MakeTokenAsync(name)).Secret);
}
