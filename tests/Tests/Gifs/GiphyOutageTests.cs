using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Gifs;

namespace WorkinIt.Tests.Gifs;

/// <summary>Giphy is unavailable for longer than a moment. The clock is a fake, so no test waits.</summary>
public sealed class GiphyOutageTests : IDisposable
{
    private const string Key = "secret-key";
    private const string Thought = "an embarrassing thought";
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(100);
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _provider;
    private readonly IGifFinder _gifs;
    private Func<CancellationToken, Task<HttpResponseMessage>> _giphy = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.ServiceUnavailable));
    private int _requests;

    public GiphyOutageTests()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Giphy:ApiKey", Key)]).Build();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddSingleton<TimeProvider>(_time).AddGifs();
        services.ConfigureAll<HttpClientFactoryOptions>(http => http.HttpMessageHandlerBuilderActions.Add(builder => builder.PrimaryHandler = new Handler(this)));
        _provider = services.BuildServiceProvider();
        _gifs = _provider.GetRequiredService<IGifFinder>();
    }

    [Fact]
    public async Task Persistent_Giphy_failure_is_tried_three_times_and_reported_without_the_key_or_the_thought()
    {
        var failure = await Should.ThrowAsync<GifUnavailableException>(FindAsync());
        failure.Message.ShouldContain("503");
        _requests.ShouldBe(3);
        ShouldHideSecrets(failure);
    }

    [Fact]
    public async Task Giphy_request_without_a_response_times_out()
    {
        _giphy = async token =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return null!;
        };
        ShouldHideSecrets(await Should.ThrowAsync<GifUnavailableException>(FindAsync()));
        _requests.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Giphy_is_not_called_for_a_while_after_repeated_failures()
    {
        while (_requests < 10)
            await Should.ThrowAsync<GifUnavailableException>(FindAsync());
        var expectedRequests = _requests;

        var failure = await Should.ThrowAsync<GifUnavailableException>(FindAsync());
        failure.Message.ShouldContain("not asked");
        failure.RetryAfter.ShouldNotBeNull().ShouldBeGreaterThan(TimeSpan.Zero);
        _requests.ShouldBe(expectedRequests);
        ShouldHideSecrets(failure);

        // A failed probe of the circuit breaker counts as a request. Otherwise its message would never reach its last try.
        _time.Advance(TimeSpan.FromSeconds(30));
        var probe = await Should.ThrowAsync<GifUnavailableException>(FindAsync());
        probe.Message.ShouldContain("503");
        probe.NotAsked.ShouldBeFalse();
        probe.RetryAfter.ShouldNotBeNull().ShouldBeGreaterThan(TimeSpan.Zero); // so it is not retried in place, where the circuit breaker is open again
        _requests.ShouldBe(++expectedRequests);

        _time.Advance(TimeSpan.FromSeconds(30));
        _giphy = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"data":[],"meta":{"response_id":"1"}}""") });
        await FindAsync();
        _requests.ShouldBe(expectedRequests + 1);
    }

    [Fact]
    public async Task Pause_requested_by_Giphy_is_reported_without_waiting_in_place()
    {
        _giphy = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Headers = { RetryAfter = new(TimeSpan.FromMinutes(1)) } });
        (await Should.ThrowAsync<GifUnavailableException>(FindAsync())).RetryAfter.ShouldBe(TimeSpan.FromMinutes(1));
        _requests.ShouldBe(1);
    }

    [Fact]
    public async Task Shutdown_during_a_Giphy_request_is_a_cancellation_and_not_a_Giphy_failure()
    {
        using var stopping = new CancellationTokenSource();
        var requested = new TaskCompletionSource();
        _giphy = async token =>
        {
            requested.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return null!;
        };
        var finding = _gifs.FindAsync(Thought, stopping.Token);
        await requested.Task;
        await stopping.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(finding);
    }

    [Fact]
    public async Task Retry_After_header_with_a_date_is_understood()
    {
        _giphy = _ =>
        {
            var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests);
            response.Headers.TryAddWithoutValidation("Retry-After", _time.GetUtcNow().AddMinutes(10).ToString("R", null)).ShouldBeTrue();
            return Task.FromResult(response);
        };
        (await Should.ThrowAsync<GifUnavailableException>(FindAsync())).RetryAfter.ShouldBe(TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task Search_phrase_of_a_long_thought_is_cut_between_complete_characters()
    {
        string? phrase = null;
        _giphy = _ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"data":[],"meta":{"response_id":"1"}}""") });
        _onRequest = request => phrase = System.Web.HttpUtility.ParseQueryString(request.RequestUri!.Query)["s"];
        await FindAsync(new string('a', 45) + "👨‍👩‍👧‍👦 and more");
        phrase.ShouldBe(new string('a', 45));
        await FindAsync(string.Concat(Enumerable.Repeat("😀", 40)));
        phrase.ShouldBe(string.Concat(Enumerable.Repeat("😀", 25)));
    }

    public void Dispose() => _provider.Dispose();

    private Action<HttpRequestMessage> _onRequest = _ => { };

    /// <summary>Advances the clock until the search is done.</summary>
    private async Task<Gif> FindAsync(string thought = Thought)
    {
        var finding = _gifs.FindAsync(thought, TestContext.Current.CancellationToken);
        while (!finding.IsCompleted)
        {
            _time.Advance(_tick);
            await Task.Yield();
        }
        return await finding;
    }

    private static void ShouldHideSecrets(Exception failure)
    {
        failure.ToString().ShouldNotContain(Key);
        failure.ToString().ShouldNotContain("embarrassing");
    }

    private sealed class Handler(GiphyOutageTests test) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri!.AbsolutePath.ShouldBe("/v1/gifs/translate"); // no other address may be called
            Interlocked.Increment(ref test._requests);
            test._onRequest(request);
            var response = await test._giphy(cancellationToken);
            response.RequestMessage = request;
            return response;
        }
    }
}
