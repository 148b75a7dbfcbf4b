using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NJsonSchema;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

/// <summary>The running application behaves as the OpenAPI document says: the tests send each example and provoke each status.</summary>
public sealed class OpenApiDocumentTests(WebHost web) : IClassFixture<WebHost>
{
    private const string Submissions = "/api/submissions";

    private static readonly string[] _differentInEachResponse = ["id", "acceptedAt", "traceId"];

    [Fact]
    public async Task Example_requests_of_the_OpenAPI_document_fit_their_schema_and_are_accepted()
    {
        var document = await ReadAsync();
        var content = document["paths"]![Submissions]!["post"]!["requestBody"]!["content"]!["application/json"]!;
        var schema = await SchemaAsync(document, content["schema"]!);
        var examples = content["examples"]!.AsObject();
        examples.Count.ShouldBeGreaterThan(1);
        foreach (var (name, example) in examples)
        {
            using var answer = await SubmitAsync(web, example!["value"]!.ToJsonString());
            ((int)answer.StatusCode).ShouldBe(202, name);
            schema.Validate(example["value"]!.ToJsonString()).ShouldBeEmpty(name);
        }
        foreach (var refused in new[] { """{"email":"jane@example.com"}""", """{"email":"jane@example.com","thought":""}""", $$"""{"email":"jane@example.com","thought":"{{new string('x', 501)}}"}""" })
        {
            schema.Validate(refused).ShouldNotBeEmpty();
            using var answer = await SubmitAsync(web, refused);
            ((int)answer.StatusCode).ShouldBe(400);
        }
    }

    [Fact]
    public async Task Example_idempotency_key_of_the_OpenAPI_document_is_accepted_and_names_the_submission()
    {
        var document = await ReadAsync();
        var key = document["paths"]![Submissions]!["post"]!["parameters"]!.AsArray().Single(parameter => parameter!["in"]!.GetValue<string>() == "header")!;
        key["name"]!.GetValue<string>().ShouldBe("Idempotency-Key");
        var example = key["description"]!.GetValue<string>().Split('`')[1];
        using var answer = await SubmitAsync(web, """{"email":"key@example.com","thought":"hello"}""", example);
        ((int)answer.StatusCode).ShouldBe(202);
        answer.Headers.Location!.ToString().ShouldBe($"{Submissions}/{example}");
    }

    [Fact]
    public async Task Documented_responses_match_the_real_responses_including_texts_and_headers()
    {
        using var broken = new WebHost(migrate: false);
        var document = await ReadAsync();
        var seen = 0;
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                operation!["summary"].ShouldNotBeNull();
                operation["description"].ShouldNotBeNull();
                foreach (var (status, response) in operation["responses"]!.AsObject())
                {
                    response!["description"]!.GetValue<string>().ShouldNotBeEmpty();
                    foreach (var (type, content) in response["content"]!.AsObject())
                    {
                        foreach (var (name, example) in content!["examples"]!.AsObject())
                        {
                            var what = $"{method} {path} {status} {name}";
                            using var answer = await ProvokeAsync(broken, $"{method} {path}", status, name, example!["value"]!);
                            $"{(int)answer.StatusCode}".ShouldBe(status, what);
                            answer.Content.Headers.ContentType!.MediaType.ShouldBe(type, what);
                            foreach (var (header, _) in response["headers"]?.AsObject() ?? [])
                                answer.Headers.Contains(header).ShouldBeTrue($"{what}: {header}");
                            if (response["headers"]?["Retry-After"] is null)
                                answer.Headers.RetryAfter.ShouldBeNull(what);
                            await CompareAsync(document, content, example["value"]!, await answer.Content.ReadAsStringAsync(), what);
                            seen++;
                        }
                    }
                }
            }
        }
        seen.ShouldBeGreaterThan(15);
    }

    [Fact]
    public async Task OpenAPI_document_lists_each_route_and_describes_each_field()
    {
        var document = await ReadAsync();
        document["paths"]!.AsObject().Select(path => path.Key).ShouldBe([Submissions, $"{Submissions}/{{id}}", "/submissions/{id}/events"], ignoreOrder: true);
        foreach (var name in new[] { "SubmissionRequest", "SubmissionResponse", "SubmissionView" })
        {
            foreach (var (field, schema) in document["components"]!["schemas"]![name]!["properties"]!.AsObject())
                schema!["description"]?.GetValue<string>().ShouldNotBeNullOrEmpty($"{name}.{field}");
        }
        document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).SelectMany(operation => operation.Value!["parameters"]!.AsArray())
            .ShouldAllBe(parameter => parameter!["description"] != null);
    }

    private async Task<JsonNode> ReadAsync() => JsonNode.Parse(await web.Client.GetStringAsync("/openapi/v1.json"))!;

    private async Task<HttpResponseMessage> ProvokeAsync(WebHost broken, string operation, string status, string example, JsonNode value)
    {
        const string body = """{"email":"jane@example.com","thought":"hello"}""";
        var unknown = Guid.NewGuid();
        return (operation, status, example) switch
        {
            ($"post {Submissions}", "202", "accepted") => await SubmitAsync(web, body),
            ($"post {Submissions}", "400", "fields") => await SubmitAsync(web, """{"email":"jane","thought":""}"""),
            ($"post {Submissions}", "400", "key") => await SubmitAsync(web, body, "my key"),
            ($"post {Submissions}", "400", "body") => await SubmitAsync(web, "hello"),
            ($"post {Submissions}", "409", "conflict") => await SubmitTwiceAsync(unknown.ToString()),
            ($"post {Submissions}", "413", "large") => await SubmitAsync(web, new string(' ', 40_000) + body),
            ($"post {Submissions}", "415", "type") => await SubmitAsync(web, body, contentType: "text/plain"),
            ($"post {Submissions}", "429", "client") => await SubmitTooOftenAsync(perClient: 1, perRecipient: 0, body),
            ($"post {Submissions}", "429", "recipient") => await SubmitTooOftenAsync(perClient: 0, perRecipient: 1, body),
            ($"post {Submissions}", "503", "unavailable") => await SubmitAsync(broken, body),
            ($"get {Submissions}/{{id}}", "404", "unknown") => await web.Client.GetAsync($"{Submissions}/{unknown}"),
            ($"get {Submissions}/{{id}}", "503", "unavailable") => await broken.Client.GetAsync($"{Submissions}/{unknown}"),
            ($"get {Submissions}/{{id}}", "200", _) => await web.Client.GetAsync($"{Submissions}/{await ReachAsync(example, value)}"),
            ("get /submissions/{id}/events", "404", "unknown") => await web.Client.GetAsync($"/submissions/{unknown}/events"),
            ("get /submissions/{id}/events", "503", "unavailable") => await broken.Client.GetAsync($"/submissions/{unknown}/events"),
            ("get /submissions/{id}/events", "200", "sent") => await web.Client.GetAsync($"/submissions/{await ReachAsync(example, value: null)}/events"),
            _ => throw new InvalidOperationException($"No request provokes {operation} {status} {example} yet. Add one here"),
        };
    }

    private static async Task<HttpResponseMessage> SubmitTooOftenAsync(int perClient, int perRecipient, string body)
    {
        using var limited = new WebHost(perClient: perClient, perRecipient: perRecipient);
        using var first = await SubmitAsync(limited, body);
        return await SubmitAsync(limited, body);
    }

    // Creates a submission with the state and the times of an example.
    private async Task<Guid> ReachAsync(string state, JsonNode? value)
    {
        using var answer = await SubmitAsync(web, """{"email":"jane@example.com","thought":"hello"}""");
        var id = Guid.Parse(answer.Headers.Location!.ToString().Split('/')[^1]);
        var store = web.Service<SubmissionStore>();
        if (state == "queued")
            await store.ConfirmedAsync(id);
        else
        {
            await store.AdvanceAsync(
                id, Enum.Parse<SubmissionState>(state, ignoreCase: true), value?["attempts"]!.GetValue<int>() ?? 1, default,
                value is null ? store.Find(id)!.AcceptedAt : value["sentAt"]?.GetValue<DateTimeOffset>(), value?["nextTryAt"]?.GetValue<DateTimeOffset>(), gif: "coffee");
        }
        return id;
    }

    private static async Task CompareAsync(JsonNode document, JsonNode content, JsonNode example, string answer, string what)
    {
        if (example.GetValueKind() == JsonValueKind.String)
        {
            // An event: its data has its own schema, and contains times that differ.
            var (expected, seen) = (Event(example.GetValue<string>()), Event(answer));
            seen.Name.ShouldBe(expected.Name, what);
            var view = await SchemaAsync(document, JsonNode.Parse("""{"$ref":"#/components/schemas/SubmissionView"}""")!);
            view.Validate(seen.Data.ToJsonString()).ShouldBeEmpty(what);
            foreach (var member in new[] { "state", "heading", "gifSource", "gifText", "isGiphys" })
                JsonNode.DeepEquals(seen.Data[member], expected.Data[member]).ShouldBeTrue($"{what}: {member} {seen.Data[member]}");
            return;
        }
        (await SchemaAsync(document, content["schema"]!)).Validate(answer).ShouldBeEmpty(what);
        Comparable(JsonNode.Parse(answer)!).ToJsonString().ShouldBe(Comparable(example).ToJsonString(), what);
    }

    // Sorts the members, and replaces the values that differ in each response with a placeholder.
    private static JsonObject Comparable(JsonNode node)
    {
        var copy = new JsonObject(node.AsObject().OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())));
        foreach (var member in _differentInEachResponse.Where(copy.ContainsKey))
            copy[member] = "…";
        return copy;
    }

    private static (string Name, JsonNode Data) Event(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(2);
        return (lines[0], JsonNode.Parse(lines[1]["data: ".Length..])!);
    }

    // The validator reads "definitions", where OpenAPI has "components".
    private static Task<JsonSchema> SchemaAsync(JsonNode document, JsonNode schema)
    {
        var own = schema.DeepClone().AsObject();
        own["definitions"] = document["components"]!["schemas"]!.DeepClone();
        return JsonSchema.FromJsonAsync(own.ToJsonString().Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal));
    }

    private async Task<HttpResponseMessage> SubmitTwiceAsync(string key)
    {
        (await SubmitAsync(web, """{"email":"jane@example.com","thought":"one"}""", key)).Dispose();
        return await SubmitAsync(web, """{"email":"jane@example.com","thought":"another"}""", key);
    }

    private static async Task<HttpResponseMessage> SubmitAsync(WebHost web, string body, string? key = null, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Submissions) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return await web.Client.SendAsync(request);
    }
}
