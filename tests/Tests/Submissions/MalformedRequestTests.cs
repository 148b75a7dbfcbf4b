using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace WorkinIt.Tests.Submissions;

/// <summary>Malformed requests to real Kestrel: each gets a 4xx response that says what is wrong, never a 500.</summary>
public sealed class MalformedRequestTests(MalformedRequestTests.OnKestrel host) : IClassFixture<MalformedRequestTests.OnKestrel>
{
    private const int TenMegabytes = 10_000_000;
    private readonly WebHost _web = host.Web;

    [Theory]
    [InlineData("/api/submissions", "application/json", "application/problem+json")]
    [InlineData("/", "application/x-www-form-urlencoded", "text/html")]
    public async Task Body_of_ten_megabytes_is_rejected_before_it_is_sent(string address, string contentType, string answer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(new byte[TenMegabytes]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        request.Headers.ExpectContinue = true;
        using var response = await _web.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        response.Content.Headers.ContentType!.MediaType.ShouldBe(answer);
    }

    // The body is small enough to be sent before the response arrives. Otherwise the client sees a broken pipe and never reads the response.
    [Theory]
    [InlineData("/api/submissions", "application/json", "{\"email\":\"jane@example.com\",\"thought\":\"", 413)]
    [InlineData("/", "application/x-www-form-urlencoded", "email=jane%40example.com&thought=", 400)]
    public async Task Chunked_body_is_rejected_once_it_is_too_long(string address, string contentType, string start, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent(start + new string('a', 50_000), Encoding.ASCII, contentType) };
        request.Headers.TransferEncodingChunked = true;
        using var response = await _web.Client.SendAsync(request);
        ((int)response.StatusCode).ShouldBe(status);
    }

    [Theory]
    [InlineData("/", 0)]
    [InlineData("/", 261)]
    [InlineData("/api/submissions/1", 0)]
    [InlineData("/api/submissions/1", 5000)]
    public async Task Empty_or_overlong_host_header_is_a_bad_request(string address, int length)
    {
        using var client = new TcpClient("127.0.0.1", _web.Client.BaseAddress!.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {address} HTTP/1.1\r\nHost: {new string('a', length)}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        (await reader.ReadLineAsync()).ShouldBe("HTTP/1.1 400 Bad Request");
    }

    [Fact]
    public async Task A_body_without_a_content_type_is_refused()
    {
        using var response = await _web.Client.PostAsync("/api/submissions", new ByteArrayContent("{\"email\":\"jane@example.com\",\"thought\":\"hello\"}"u8.ToArray()));
        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Theory]
    [InlineData("{\"email\\udc00\":1,\"email\":\"nobody\",\"thought\":\"hello\"}")]
    [InlineData("{\"email\":{\"email\":{\"email\":\"jane@example.com\"}},\"thought\":\"hello\"}")]
    [InlineData("{\"Email\":\"jane@example.com\",\"Thought\":\"hello\"}")]
    [InlineData("null")]
    [InlineData("1e999999")]
    public async Task JSON_that_is_not_a_submission_is_a_bad_request_with_errors(string body)
    {
        using var response = await _web.Client.PostAsync("/api/submissions", new StringContent(body, Encoding.UTF8, "application/json"));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().ShouldNotBeEmpty();
    }

    [Fact]
    public async Task JSON_in_another_encoding_is_a_bad_request()
    {
        using var response = await _web.Client.PostAsync("/api/submissions", new StringContent("{\"email\":\"jane@example.com\",\"thought\":\"hello\"}", Encoding.Unicode, "application/json"));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task JSON_with_a_byte_order_mark_is_accepted()
    {
        byte[] body = [0xef, 0xbb, 0xbf, .. "{\"email\":\"jane@example.com\",\"thought\":\"hello\"}"u8];
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await _web.Client.PostAsync("/api/submissions", content);
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    [Theory]
    [InlineData("thought=%ff%fe")]
    [InlineData("thought=%ed%a0%80")]
    [InlineData("")]
    [InlineData("thought=a&email=jane@example.com&email=joe@example.com")]
    public async Task Malformed_form_fields_are_a_bad_request_with_a_list_of_errors(string fields)
    {
        using var response = await PostRawFormAsync("application/x-www-form-urlencoded", $"email=&{fields}");
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain("Please fix the following");
    }

    [Theory]
    [InlineData("text/plain", "email=jane@example.com&thought=hello")]
    [InlineData("application/json", "{\"email\":\"jane@example.com\",\"thought\":\"hello\"}")]
    [InlineData("application/x-www-form-urlencoded", "email=jane@example.com&thought=%00")]
    [InlineData("multipart/form-data", "no boundary")]
    [InlineData("multipart/form-data; boundary=x", "--x\r\nno end")]
    public async Task Body_that_is_not_a_form_is_rejected_even_with_the_antiforgery_token_in_a_header(string contentType, string body)
    {
        using var response = await PostRawFormAsync(contentType, body);
        ((int)response.StatusCode).ShouldBeInRange(400, 499);
        (await response.Content.ReadAsStringAsync()).ShouldContain("<h1>");
    }

    [Fact]
    public async Task A_form_with_thousands_of_fields_is_refused()
    {
        using var response = await PostRawFormAsync("application/x-www-form-urlencoded", string.Join('&', Enumerable.Range(0, 3000).Select(number => $"f{number}=")));
        ((int)response.StatusCode).ShouldBeInRange(400, 499);
    }

    [Theory]
    [InlineData("GET", "/api/submissions", 404)]
    [InlineData("DELETE", "/api/submissions", 405)]
    [InlineData("DELETE", "/", 400)]
    [InlineData("GET", "/api/nothing", 404)]
    [InlineData("GET", "/api/submissions/no-uuid", 404)]
    [InlineData("GET", "/submissions/%3Cscript%3E", 404)]
    [InlineData("GET", "/%2e%2e/%2e%2e/etc/passwd", 404)]
    public async Task Unknown_paths_and_methods_are_client_errors(string method, string address, int status)
    {
        using var response = await _web.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), address));
        ((int)response.StatusCode).ShouldBe(status);
        (await response.Content.ReadAsStringAsync()).ShouldNotContain("<script>");
    }

    private async Task<HttpResponseMessage> PostRawFormAsync(string contentType, string body)
    {
        var token = (await _web.OpenFormAsync())["__RequestVerificationToken"];
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType).ShouldBeTrue();
        request.Headers.Add("RequestVerificationToken", token);
        return await _web.Client.SendAsync(request);
    }

    public sealed class OnKestrel : IDisposable
    {
        public WebHost Web { get; } = new(kestrel: true);

        public void Dispose() => Web.Dispose();
    }
}
