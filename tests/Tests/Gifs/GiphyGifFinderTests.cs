using System.Net;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;
using WorkinIt.Gifs;
using WorkinIt.Gifs.Giphy;

namespace WorkinIt.Tests.Gifs;

public sealed class GiphyGifFinderTests
{
    private const string Key = "secret-key";
    private const string Thought = "an embarrassing thought";
    private const string Good = """{"data":{"alt_text":"A cat falls","images":{"downsized":{"url":"https://media.giphy.com/1.gif"}}},"meta":{"response_id":"1"}}""";

    [Fact]
    public async Task Giphy_result_is_returned_with_its_link_and_description()
    {
        var gif = (await FindAsync(Answer(200, Good))).ShouldBeOfType<GiphyGif>();
        gif.Url.ShouldBe(new Uri("https://media.giphy.com/1.gif"));
        gif.Alt.ShouldBe("A cat falls");
    }

    [Fact]
    public async Task Giphy_request_carries_the_API_key_the_rating_and_at_most_fifty_characters()
    {
        string? query = null;
        await FindAsync(request =>
        {
            query = Uri.UnescapeDataString(request.RequestUri!.Query.Replace('+', ' '));
            return Response(200, Good);
        }, new string('a', 30) + " " + new string('b', 30));
        query.ShouldNotBeNull().ShouldContain($"api_key={Key}");
        query.ShouldContain("rating=pg");
        query.Split("s=")[1].Split('&')[0].ShouldBe(new string('a', 30));
    }

    [Fact]
    public async Task Built_in_GIF_is_used_when_Giphy_finds_nothing() =>
        (await FindAsync(Answer(200, """{"data":[],"meta":{"response_id":"1"}}"""))).ShouldBeOfType<CollectionGif>();

    [Theory]
    [InlineData("""{"data":{},"meta":{"response_id":""}}""")]
    [InlineData("""{"data":{"images":{"downsized":{"url":"javascript:alert(1)"}}},"meta":{"response_id":"1"}}""")]
    [InlineData("""{"data":{"images":{"downsized":{"url":"http://media.giphy.com/1.gif"}}},"meta":{"response_id":"1"}}""")]
    [InlineData("""{"data":{"images":5},"meta":{"response_id":"1"}}""")]
    [InlineData("""{"data":{"images":{"downsized":{"url":"//media.giphy.com/1.gif"}}},"meta":{"response_id":"1"}}""")]
    [InlineData("""{"data":{"images":{"downsized":{"url":"\ud800"}}},"meta":{"response_id":"1"}}""")]
    [InlineData("""{"data":{"alt_text":"\ud800","images":{"downsized":{"url":"https://media.giphy.com/1.gif"}}},"meta":{"response_id":"1"}}""")]
    [InlineData("""{"data":{},"meta":5}""")]
    [InlineData("""{"data":{}}""")]
    [InlineData("null")]
    [InlineData("<html>")]
    [InlineData("")]
    public async Task Invalid_Giphy_response_is_a_transient_failure(string body)
    {
        var failure = await Should.ThrowAsync<GifUnavailableException>(FindAsync(Answer(200, body)));
        failure.ToString().ShouldNotContain(Key);
        failure.ToString().ShouldNotContain("embarrassing");
    }

    [Fact]
    public async Task Giphy_link_too_long_for_the_ledger_is_a_transient_failure() =>
        await Should.ThrowAsync<GifUnavailableException>(FindAsync(Answer(200, Good.Replace("1.gif", new string('1', 2_048), StringComparison.Ordinal))));

    [Theory]
    [InlineData("a thought", "a thought")]
    [InlineData("two\n lines\tand   blanks", "two lines and blanks")]
    [InlineData("123456789 123456789 123456789 123456789 123456789 1", "123456789 123456789 123456789 123456789 123456789")]
    [InlineData("123456789 123456789 123456789 123456789 1234567890 1", "123456789 123456789 123456789 123456789 1234567890")]
    public void Search_phrase_is_cut_between_words(string thought, string phrase) => GiphyGifFinder.Phrase(thought).ShouldBe(phrase);

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task Rejected_Giphy_key_is_a_permanent_failure_that_names_the_setting(int status)
    {
        var failure = await Should.ThrowAsync<GiphyKeyRefusedException>(FindAsync(Answer(status, "{}")));
        failure.Message.ShouldContain("Giphy__ApiKey");
        failure.ToString().ShouldNotContain(Key);
    }

    [Fact]
    public async Task Giphy_reply_429_reports_how_long_to_wait_and_is_not_retried()
    {
        var requests = 0;
        var failure = await Should.ThrowAsync<GifUnavailableException>(FindAsync(_ =>
        {
            requests++;
            var response = Response(429, "{}");
            response.Headers.Add("Retry-After", "120");
            return response;
        }));
        failure.RetryAfter.ShouldBe(TimeSpan.FromMinutes(2));
        requests.ShouldBe(1);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(404)]
    [InlineData(414)]
    public async Task Unexpected_Giphy_status_is_reported_without_the_key_or_the_thought(int status)
    {
        var failure = await Should.ThrowAsync<GifUnavailableException>(FindAsync(Answer(status, "{}")));
        failure.Message.ShouldContain($"{status}");
        failure.RetryAfter.ShouldBeNull();
        failure.ToString().ShouldNotContain(Key);
        failure.ToString().ShouldNotContain("embarrassing");
    }

    [Fact]
    public async Task Transient_Giphy_failure_is_retried()
    {
        var requests = 0;
        (await FindAsync(_ => ++requests == 1 ? Response(503, "") : Response(200, Good))).ShouldBeOfType<GiphyGif>();
        requests.ShouldBe(2);
    }

    [Fact]
    public async Task Giphy_connection_failure_does_not_expose_the_key_or_the_thought()
    {
        var failure = await Should.ThrowAsync<GifUnavailableException>(
            FindAsync(request => throw new HttpRequestException($"no route to {request.RequestUri}")));
        failure.ToString().ShouldNotContain(Key);
        failure.ToString().ShouldNotContain("embarrassing");
    }

    private static Func<HttpRequestMessage, HttpResponseMessage> Answer(int status, string body) => _ => Response(status, body);

    private static HttpResponseMessage Response(int status, string body) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    private static async Task<Gif> FindAsync(Func<HttpRequestMessage, HttpResponseMessage> answer, string thought = Thought)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Giphy:ApiKey", Key)]).Build();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddGifs();
        services.ConfigureAll<HttpClientFactoryOptions>(http => http.HttpMessageHandlerBuilderActions.Add(builder => builder.PrimaryHandler = new Stub(answer)));
        await using var provider = services.BuildServiceProvider();
        return await provider.GetRequiredService<IGifFinder>().FindAsync(thought, CancellationToken.None);
    }

    private sealed class Stub(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri!.GetLeftPart(UriPartial.Path).ShouldBe("https://api.giphy.com/v1/gifs/translate"); // no other address may be called
            var response = answer(request);
            response.RequestMessage = request; // as real handlers do; Refit uses it in its exceptions
            return Task.FromResult(response);
        }
    }
}
