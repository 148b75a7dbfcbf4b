using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

public sealed class SubmissionApiTests(WebHost web) : IClassFixture<WebHost>
{
    [Fact]
    public async Task API_accepts_a_submission_and_returns_its_location()
    {
        using var response = await PostAsync("""{"email":"jane@example.com","thought":"hello"}""");
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var status = await web.Client.GetFromJsonAsync<JsonElement>(response.Headers.Location);
        status.GetProperty("state").GetString().ShouldBe("accepted");
        status.GetProperty("attempts").GetInt32().ShouldBe(0);
        status.GetProperty("sentAt").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Theory]
    [InlineData("""{"email":5,"thought":"hello"}""", "email")]
    [InlineData("""{"email":["jane@example.com"],"thought":"hello"}""", "email")]
    [InlineData("""{"email":"jane@example.com","thought":{"a":1}}""", "thought")]
    [InlineData("""{"email":"jane@example.com","thought":true}""", "thought")]
    [InlineData("""{"email":"jane@example.com","thought":null}""", "thought")]
    [InlineData("""{"email":"jane@example.com"}""", "thought")]
    [InlineData("""{"thought":"hello"}""", "email")]
    [InlineData("""{"email":"jane@example.com","thought":"\ud800"}""", "thought")]
    [InlineData("""{"email":"jane@example.com","thought":"\u0000"}""", "thought")]
    [InlineData("""{"email":"jane@example.com\r\nBcc: x@example.com","thought":"hello"}""", "email")]
    [InlineData("""{"email":"\ud800@example.com","thought":"hello"}""", "email")]
    [InlineData("""{"email":"jane@example.com","thought":"hello","\ud800 as a name":1}""", "body")]
    [InlineData("""{"email":"jane@example.com","thought":" \t\n "}""", "thought")]
    [InlineData("""{"email":"jane@example.com, joe@example.com","thought":"hello"}""", "email")]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    [InlineData("\"text\"", "body")]
    [InlineData("", "body")]
    [InlineData("{", "body")]
    [InlineData("{\"email\":\"jane@example.com\",\"thought\":\"hello\"} more", "body")]
    public async Task API_error_names_the_invalid_field(string body, string field)
    {
        using var response = await PostAsync(body);
        (await ErrorsAsync(response)).ShouldBe([field]);
    }

    [Fact]
    public async Task API_rejects_a_body_that_is_not_valid_UTF8()
    {
        byte[] body = [.. "{\"email\":\"jane@example.com\",\"thought\":\""u8, 0xff, 0xfe, .. "\"}"u8];
        using var response = await PostAsync(body);
        (await ErrorsAsync(response)).ShouldBe(["thought"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"email":"jane@example.com","thought":""")]
    public async Task API_rejects_deeply_nested_JSON(string before)
    {
        using var response = await PostAsync(before + new string('[', 10_000));
        (await ErrorsAsync(response)).ShouldBe(["body"]);
    }

    [Fact]
    public async Task API_error_names_both_invalid_fields_and_the_length_of_the_thought()
    {
        using var response = await PostAsync($$"""{"email":"nobody","thought":"{{new string('a', 501)}}"}""");
        (await ErrorsAsync(response)).ShouldBe(["email", "thought"]);
        (await response.Content.ReadAsStringAsync()).ShouldContain("it has 501");
    }

    [Fact]
    public async Task API_rejects_a_body_of_ten_megabytes()
    {
        using var response = await PostAsync($$"""{"email":"jane@example.com","thought":"{{new string('a', 10_000_000)}}"}""");
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task API_rejects_a_content_type_other_than_JSON(string? contentType)
    {
        using var content = new ByteArrayContent("""{"email":"jane@example.com","thought":"hello"}"""u8.ToArray());
        content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);
        using var response = await web.Client.PostAsync("/api/submissions", content);
        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Theory]
    [InlineData("0190a5c0-0000-7000-8000-000000000000")]
    [InlineData("nothing")]
    public async Task API_returns_404_for_an_unknown_submission(string id)
    {
        using var response = await web.Client.GetAsync($"/api/submissions/{id}");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Fact]
    public async Task Same_idempotency_key_and_body_return_the_same_submission_quoted_or_not()
    {
        var key = Guid.NewGuid();
        using var first = await PostAsync("""{"email":"jane@example.com","thought":"once"}""", key.ToString());
        using var second = await PostAsync("""{"email":"jane@example.com","thought":"once"}""", $"\"{key}\"");
        second.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        second.Headers.Location.ShouldBe(first.Headers.Location);
        first.Headers.Location!.ToString().ShouldEndWith(key.ToString());
    }

    [Fact]
    public async Task Same_idempotency_key_with_another_body_is_a_conflict()
    {
        var key = Guid.NewGuid().ToString();
        using var first = await PostAsync("""{"email":"jane@example.com","thought":"one"}""", key);
        using var second = await PostAsync("""{"email":"jane@example.com","thought":"another"}""", key);
        second.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Same_idempotency_key_sent_twenty_times_at_once_creates_one_submission()
    {
        var key = Guid.NewGuid();
        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostAsync("""{"email":"jane@example.com","thought":"at once"}""", key.ToString())));
        responses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.Accepted);
        responses.Select(response => response.Headers.Location).Distinct().ShouldHaveSingleItem();
        web.Service<SubmissionStore>().Unconfirmed(TimeSpan.Zero, 10_000).Count(command => command.SubmissionId == key).ShouldBe(1);
    }

    [Fact]
    public async Task Request_with_two_idempotency_keys_is_rejected()
    {
        using var response = await PostAsync("""{"email":"jane@example.com","thought":"hello"}""", Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        (await ErrorsAsync(response)).ShouldBe(["Idempotency-Key"]);
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("\"00000000-0000-0000-0000-000000000000\"")]
    [InlineData("0190a5c0-0000-7000-8000-00000000000")]
    [InlineData("my key")]
    public async Task Idempotency_key_that_is_not_a_valid_UUID_is_rejected_by_name(string key)
    {
        using var response = await PostAsync("""{"email":"jane@example.com","thought":"hello"}""", key);
        (await ErrorsAsync(response)).ShouldBe(["Idempotency-Key"]);
    }

    [Fact]
    public async Task API_serves_an_OpenAPI_document()
    {
        var document = await web.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        document.GetProperty("paths").TryGetProperty("/api/submissions", out _).ShouldBeTrue();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task API_returns_503_with_Retry_After_while_the_store_cannot_commit(bool migrate, bool readOnly)
    {
        using var broken = new WebHost(migrate, readOnly);
        using var response = await broken.Client.PostAsJsonAsync("/api/submissions", new { email = "jane@example.com", thought = "hello" });
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        response.Headers.RetryAfter.ShouldNotBeNull();
    }

    [Fact]
    public async Task API_returns_503_for_a_repeated_request_whose_submission_cannot_be_read()
    {
        using var broken = new WebHost();
        using (var accepted = await SubmitAsync())
            accepted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        broken.ExecuteInStore("ALTER TABLE submissions DROP COLUMN gif"); // read for its state, but not to compare requests

        using var repeated = await SubmitAsync();

        repeated.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        repeated.Headers.RetryAfter.ShouldNotBeNull();
        (await repeated.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString().ShouldBe(Unavailable.Reading);

        async Task<HttpResponseMessage> SubmitAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = JsonContent.Create(new { email = "jane@example.com", thought = "hello" }) };
            request.Headers.Add("Idempotency-Key", "0199c4f0-0000-7000-8000-000000000001");
            return await broken.Client.SendAsync(request);
        }
    }

    private static async Task<IEnumerable<string>> ErrorsAsync(HttpResponseMessage response)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().Select(error => error.Name).ToArray();
    }

    private Task<HttpResponseMessage> PostAsync(string body, params string[] keys) => PostAsync(Encoding.UTF8.GetBytes(body), keys);

    private Task<HttpResponseMessage> PostAsync(byte[] body, params string[] keys)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var key in keys)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return web.Client.SendAsync(request);
    }
}
