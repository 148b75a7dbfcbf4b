using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace WorkinIt.Tests.Submissions;

/// <summary>On the real server: the one in memory has no limit of its own.</summary>
public sealed class LargeBodies : IDisposable
{
    private readonly WebHost _web = new(kestrel: true);

    [Theory]
    [InlineData("/api/submissions", "application/json", "{\"email\":\"jane@example.com\",\"thought\":\"", "application/problem+json", HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("/", "application/x-www-form-urlencoded", "email=jane@example.com&thought=", "text/html", HttpStatusCode.BadRequest)]
    public async Task Whose_size_nobody_told_are_refused_where_they_get_too_large(string path, string type, string begin, string answer, HttpStatusCode status)
    {
        using var response = await PostAsync(path, type, begin + new string('a', 100_000), chunked: true);
        response.StatusCode.ShouldBe(status);
        response.Content.Headers.ContentType!.MediaType.ShouldBe(answer);
    }

    [Theory]
    [InlineData("/api/submissions", "application/json", "application/problem+json")]
    [InlineData("/", "application/x-www-form-urlencoded", "text/html")]
    public async Task Of_ten_megabytes_are_refused_before_they_are_sent(string path, string type, string answer)
    {
        using var response = await PostAsync(path, type, new string('a', 10_000_000), chunked: false);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        response.Content.Headers.ContentType!.MediaType.ShouldBe(answer);
    }

    [Fact]
    public async Task The_largest_legal_form_is_not_one()
    {
        using var response = await _web.PostFormAsync($"{new string('a', 64)}@example.com", string.Concat(Enumerable.Repeat("😀", 500)));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.RequestMessage!.RequestUri!.AbsolutePath.ShouldStartWith("/submissions/"); // the real client follows
    }

    public void Dispose() => _web.Dispose();

    private Task<HttpResponseMessage> PostAsync(string path, string type, string body, bool chunked)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = !chunked; // so that the answer can't come in the middle of our writing
        return _web.Client.SendAsync(request);
    }
}
