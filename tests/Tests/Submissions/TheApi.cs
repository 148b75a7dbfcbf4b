using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace WorkinIt.Tests.Submissions;

public sealed class TheApi(WebHost web) : IClassFixture<WebHost>
{
    [Fact]
    public async Task Accepts_and_tells_where_to_look()
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
    [InlineData("[]", "body")]
    [InlineData("\"text\"", "body")]
    [InlineData("", "body")]
    [InlineData("{", "body")]
    [InlineData("{\"email\":\"jane@example.com\",\"thought\":\"hello\"} more", "body")]
    public async Task Names_the_field_that_is_wrong(string body, string field)
    {
        using var response = await PostAsync(body);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty(field, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Refuses_bytes_that_are_no_utf8()
    {
        byte[] body = [.. "{\"email\":\"jane@example.com\",\"thought\":\""u8, 0xff, 0xfe, .. "\"}"u8];
        using var response = await PostAsync(body);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Refuses_a_depth_bomb()
    {
        using var response = await PostAsync(new string('[', 10_000));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Refuses_ten_megabytes()
    {
        using var response = await PostAsync($$"""{"email":"jane@example.com","thought":"{{new string('a', 10_000_000)}}"}""");
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Fact]
    public async Task Refuses_what_is_no_json()
    {
        using var response = await web.Client.PostAsync("/api/submissions", new StringContent("email=jane@example.com", Encoding.UTF8, "text/plain"));
        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
    }

    [Fact]
    public async Task Says_404_for_a_submission_that_nobody_made()
    {
        using var response = await web.Client.GetAsync($"/api/submissions/{Guid.NewGuid()}");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Fact]
    public async Task The_same_key_and_body_are_the_same_submission_quoted_or_not()
    {
        var key = Guid.NewGuid();
        using var first = await PostAsync("""{"email":"jane@example.com","thought":"once"}""", key.ToString());
        using var second = await PostAsync("""{"email":"jane@example.com","thought":"once"}""", $"\"{key}\"");
        second.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        second.Headers.Location.ShouldBe(first.Headers.Location);
        first.Headers.Location!.ToString().ShouldEndWith(key.ToString());
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_a_conflict()
    {
        var key = Guid.NewGuid().ToString();
        using var first = await PostAsync("""{"email":"jane@example.com","thought":"one"}""", key);
        using var second = await PostAsync("""{"email":"jane@example.com","thought":"another"}""", key);
        second.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("my key")]
    public async Task A_key_that_is_no_uuid_is_refused_by_its_name(string key)
    {
        using var response = await PostAsync("""{"email":"jane@example.com","thought":"hello"}""", key);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty("Idempotency-Key", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Has_an_openapi_document()
    {
        var document = await web.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        document.GetProperty("paths").TryGetProperty("/api/submissions", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Says_503_and_when_to_come_back_while_the_store_cant_commit()
    {
        using var broken = new WebHost(migrate: false);
        using var response = await broken.Client.PostAsJsonAsync("/api/submissions", new { email = "jane@example.com", thought = "hello" });
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();
    }

    private Task<HttpResponseMessage> PostAsync(string body, string? key = null) => PostAsync(Encoding.UTF8.GetBytes(body), key);

    private Task<HttpResponseMessage> PostAsync(byte[] body, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (key is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return web.Client.SendAsync(request);
    }
}
