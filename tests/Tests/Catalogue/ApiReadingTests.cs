using System.Net;
using System.Text.Json;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What programs read from the HTTP API: the catalogue, masked, and the API document.</summary>
public sealed class ApiReadingTests
{
    [Fact]
    public async Task Letters_are_listed_by_pages_without_gaps_or_repeats_while_new_ones_fail()
    {
        await using var site = await CatalogueSite.StartAsync();
        var start = DateTimeOffset.UtcNow.AddHours(-1);
        var letters = Enumerable.Range(0, 7).Select(number => new FailedLetter { MessageId = Guid.CreateVersion7(), At = start.AddMinutes(number / 2) }).ToList(); // pairs failed at the same time
        await site.AddAsync(letters);
        using var program = await ProgramAsync(site);

        var (seen, next, pages) = (new List<string>(), "", 0);
        do
        {
            var page = await program.GetAsync($"letters?limit=3{next}");
            page.Status.ShouldBe(HttpStatusCode.OK, page.Text);
            seen.AddRange(page.Json.GetProperty("letters").EnumerateArray().Select(letter => letter.GetProperty("messageId").GetString()!));
            next = page["nextCursor"] is { Length: > 0 } cursor ? $"&cursor={cursor}" : "";
            pages++;
            await site.AddAsync(new FailedLetter { MessageId = Guid.CreateVersion7(), At = DateTimeOffset.UtcNow }); // shifts pages that are numbered
        }
        while (next.Length > 0);

        pages.ShouldBe(3);
        seen.ShouldBe(letters.Select(letter => letter.MessageId.ToString()).Reverse());
    }

    [Fact]
    public async Task Letter_is_masked_and_revealed_only_on_demand_which_the_audit_log_records()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = new FailedLetter();
        await site.AddAsync(letter);
        using var program = await ProgramAsync(site);
        var id = letter.Build().Id;

        var masked = await program.GetAsync($"letters/{id}?queue=orders_error");
        masked.Text.ShouldNotContain("jane@example.com");
        masked.Json.GetProperty("message").GetProperty("email").GetString().ShouldNotBeNullOrEmpty();
        (await site.Audit.ReadAsync(null, 10, default)).ShouldBeEmpty();

        var revealed = await program.GetAsync($"letters/{id}?queue=orders_error&reveal=true");
        revealed.Json.GetProperty("message").GetProperty("email").GetString().ShouldBe("jane@example.com");
        var entry = (await site.Audit.ReadAsync(null, 10, default)).ShouldHaveSingleItem();
        (entry.Verb, entry.Messages.ShouldHaveSingleItem()).ShouldBe(("reveal", letter.MessageId.ToString()));
        entry.By.ShouldStartWith("Sam (token deploy-bot, t_");
    }

    [Theory]
    [InlineData("GET", "letters?q=\"jane\"", null, "q")] // an address must not contain a search text
    [InlineData("GET", "letters?q=nonsense:1", null, "q")]
    [InlineData("GET", "letters?limit=0", null, "limit")]
    [InlineData("GET", "letters?cursor=x", null, "cursor")]
    [InlineData("GET", "letters?cursor=%00", null, "cursor")]
    [InlineData("POST", "letters/search", """{ "q": "\u0000" }""", "q")]
    [InlineData("POST", "letters/search", """{ "q": "\ud800" }""", "q")]
    [InlineData("POST", "letters/search", """{ "\ud800": 1 }""", null)]
    [InlineData("POST", "dry-runs", """{ "verb": "discard", "queue": "orders_error", "query": " " }""", "query")]
    [InlineData("GET", "letters?pagesize=1", null, "pagesize")]
    [InlineData("GET", "letters/00", null, "queue")]
    [InlineData("GET", "causes?span=2h", null, "span")]
    [InlineData("GET", "queues?source=nowhere", null, "source")]
    [InlineData("POST", "letters/search", """{ "q": 1 }""", "q")]
    [InlineData("POST", "letters/search", """{ "question": "x" }""", "question")]
    [InlineData("POST", "dry-runs", """{ "queue": "orders_error", "all": true }""", "verb")]
    [InlineData("POST", "dry-runs", """{ "verb": "remove", "queue": "orders_error", "all": true }""", "verb")]
    [InlineData("POST", "dry-runs", """{ "verb": "replay", "all": true }""", "queue")]
    [InlineData("POST", "dry-runs", """{ "verb": "replay", "queue": "orders_error" }""", "all")]
    [InlineData("POST", "dry-runs", """{ "verb": "replay", "queue": "orders_error", "all": true, "cause": "1" }""", "all")]
    [InlineData("POST", "dry-runs", """{ "verb": "replay", "queue": "orders_error", "ids": [] }""", "ids")]
    [InlineData("POST", "dry-runs", """{ "verb": "replay", "queue": "orders_error", "all": true, "canari": true }""", "canari")]
    [InlineData("POST", "dry-runs", """{ "verb": "repair", "queue": "orders_error", "all": true, "patch": [{ "op": "mend" }] }""", "patch")]
    [InlineData("POST", "dry-runs", """{ "verb": "edit", "queue": "orders_error", "ids": ["1"] }""", "message")]
    [InlineData("POST", "dry-runs", """{ "verb": "replay", "queue": "orders_error", "queue": "mail_error", "all": true }""", null)]
    [InlineData("POST", "causes/1/triage", "{ \"change\": \"note\", \"link\": \"javascript:x\" }", "link")]
    [InlineData("POST", "operations/00/slower", "{ \"pace\": -1 }", "pace")]
    [InlineData("POST", "operations", """{ "dryRunId": "00" }""", "dryRunId")]
    public async Task Wrong_input_is_refused_with_the_name_of_its_field(string method, string path, string? body, string? field)
    {
        await using var site = await CatalogueSite.StartAsync();
        using var program = await ProgramAsync(site);
        var answer = method == "GET" ? await program.GetAsync(path) : await program.PostAsync(path, body);
        answer.Status.ShouldBeOneOf(HttpStatusCode.BadRequest, HttpStatusCode.NotFound);
        answer.ContentType.ShouldBe("application/problem+json");
        answer["field"].ShouldBe(field, answer.Text);
    }

    [Fact]
    public async Task Note_of_a_cause_keeps_what_a_program_does_not_send_and_loses_what_it_sends_empty()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var program = await ProgramAsync(site);
        var cause = new FailedLetter().Build().Cause.Id;
        foreach (var (change, seen) in new[]
        {
            ("""{ "change": "note", "owner": "Payments", "link": "https://status.example.com", "note": "The gateway is down" }""", ("Payments", "https://status.example.com", "The gateway is down")),
            ("""{ "change": "note", "note": "It is up again" }""", ("Payments", "https://status.example.com", "It is up again")),
            ("""{ "change": "note", "owner": "" }""", ("", "https://status.example.com", "It is up again")),
        })
        {
            (await program.PostAsync($"causes/{cause}/triage", change)).Status.ShouldBe(HttpStatusCode.NoContent);
            var triage = (await program.GetAsync($"causes/{cause}")).Json.GetProperty("triage");
            (triage.GetProperty("owner").GetString(), triage.GetProperty("link").GetString(), triage.GetProperty("note").GetString()).ShouldBe(seen);
        }
    }

    [Fact]
    public async Task Search_with_personal_data_is_sent_as_a_body()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter(), new FailedLetter { MessageId = Guid.CreateVersion7(), Message = """{"email":"kim@example.com"}""" });
        using var program = await ProgramAsync(site);
        var found = await program.PostAsync("letters/search", """{ "q": "jane@example.com" }""");
        found.Json.GetProperty("letters").GetArrayLength().ShouldBe(1, found.Text);
        found.Text.ShouldNotContain("jane@");
    }

    [Fact]
    public async Task Search_that_is_sent_again_finds_what_has_failed_since_whatever_its_idempotency_key()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var program = await ProgramAsync(site);
        (await program.PostAsync("letters/search", "{}", ("Idempotency-Key", "one"))).Json.GetProperty("letters").GetArrayLength().ShouldBe(1);
        await site.AddAsync(new FailedLetter());
        (await program.PostAsync("letters/search", "{}", ("Idempotency-Key", "one"))).Json.GetProperty("letters").GetArrayLength().ShouldBe(2);
    }

    [Fact]
    public async Task API_document_is_valid_and_names_each_route_with_an_example()
    {
        await using var site = await CatalogueSite.StartAsync();
        using var program = await ProgramAsync(site);
        var text = (await program.GetAsync("openapi.json")).Text;
        var read = Microsoft.OpenApi.OpenApiDocument.Parse(text, "json");
        read.Diagnostic!.Errors.ShouldBeEmpty();
        read.Diagnostic.Warnings.ShouldBeEmpty();
        text.ShouldNotContain("\"$ref\":\"#\"");

        var document = JsonElement.Parse(text);
        document.GetProperty("servers")[0].GetProperty("url").GetString().ShouldBe("/dead-letters/api/v1");
        var operations = document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(operation => (Path: path.Name, operation.Value))).ToList();
        operations.Count.ShouldBe(WorkinIt.DeadLetters.Dashboard.Api.ApiRoutes.All.Count);
        operations.Select(operation => operation.Value.GetProperty("operationId").GetString()).ShouldBeUnique();
        operations.ShouldAllBe(operation => operation.Path == "/openapi.json" || operation.Path == "/export" || HasExample(operation.Value)); // that they fit their schemas is checked by the linter
    }

    [Fact]
    public void Each_field_of_the_API_document_has_one_type_that_generated_clients_have_too()
    {
        var schemas = JsonElement.Parse(WorkinIt.DeadLetters.Dashboard.Api.OpenApiDocument.Create("/").ToJsonString()).GetProperty("components").GetProperty("schemas").EnumerateObject().ToList();
        schemas.Select(schema => schema.Name).ShouldContain("ApiOperation");
        var fields = schemas.Where(schema => schema.Value.TryGetProperty("properties", out _))
            .SelectMany(schema => schema.Value.GetProperty("properties").EnumerateObject().Select(field => (Name: $"{schema.Name}.{field.Name}", Types: TypesOf(field.Value)))).ToList();

        fields.Count.ShouldBeGreaterThan(150);
        fields.Where(field => field.Types.Count(type => type != "null") > 1).ShouldBeEmpty();
        fields.Where(field => field.Types.Contains("object")).ShouldBeEmpty(); // a generator would make up a name for it
    }

    private static List<string?> TypesOf(JsonElement schema) => !schema.TryGetProperty("type", out var type) ? []
        : type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.GetString())]
        : type.GetString() == "array" ? TypesOf(schema.GetProperty("items"))
        : [type.GetString()];

    private static bool HasExample(JsonElement operation) => operation.TryGetProperty("requestBody", out var body)
        ? body.GetProperty("content").GetProperty("application/json").GetProperty("examples").EnumerateObject().Any()
        : operation.GetProperty("responses").EnumerateObject().First().Value.TryGetProperty("content", out var content) ? content.GetProperty("application/json").TryGetProperty("example", out _) : IsPost(operation);

    private static bool IsPost(JsonElement operation) => operation.GetProperty("parameters").EnumerateArray().Any(parameter => parameter.GetProperty("name").GetString() == "Idempotency-Key");

    private static async Task<ApiClient> ProgramAsync(CatalogueSite site) => new(site.Address, (await site.MakeTokenAsync()).Secret);
}
