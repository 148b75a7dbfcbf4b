using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

/// <summary>The live status that an open page receives. The store is real, and the tests write states as the status consumer does.</summary>
public sealed class LiveStatusTests : IDisposable
{
    private readonly WebHost _web = new();

    [Fact]
    public async Task Live_status_reports_each_change_and_ends_only_when_the_mail_is_sent()
    {
        var id = await SubmitAsync();
        await using var page = await OpenAsync(id);
        (await page.NextAsync()).ShouldBe("accepted");
        await AdvanceAsync(id, SubmissionState.Delayed, 1);
        (await page.NextAsync()).ShouldBe("delayed");
        await AdvanceAsync(id, SubmissionState.Failed, 2);
        (await page.NextAsync()).ShouldBe("failed");
        await AdvanceAsync(id, SubmissionState.Held, 3);
        (await page.NextAsync()).ShouldBe("held");
        await AdvanceAsync(id, SubmissionState.Sent, 4, "cat");

        (await page.NextAsync()).ShouldBe("sent");
        page.Data.GetProperty("gifSource").GetString().ShouldBe("/gifs/cat.gif");
        page.Data.GetProperty("lesson").GetString()!.ShouldStartWith("The mail took ");
        (await page.NextAsync()).ShouldBeNull();
        _web.Service<SubmissionWatch>().Count.ShouldBe(0);
    }

    [Fact]
    public async Task Live_status_reaches_each_open_page_and_no_closed_page()
    {
        var id = await SubmitAsync();
        await using var one = await OpenAsync(id);
        await using (var other = await OpenAsync(id))
        {
            await one.NextAsync();
            await other.NextAsync();
            await AdvanceAsync(id, SubmissionState.Failed, 1);
            (await one.NextAsync()).ShouldBe("failed");
            (await other.NextAsync()).ShouldBe("failed");
        }
        await AdvanceAsync(id, SubmissionState.Sent, 2, "cat");
        (await one.NextAsync()).ShouldBe("sent");
    }

    [Fact]
    public async Task Live_status_of_a_sent_submission_is_one_event_and_of_an_unknown_one_is_404()
    {
        var id = await SubmitAsync();
        await AdvanceAsync(id, SubmissionState.Sent, 1, "https://media.giphy.example/cat.gif");
        await using var page = await OpenAsync(id);
        (await page.NextAsync()).ShouldBe("sent");
        page.Data.GetProperty("isGiphys").GetBoolean().ShouldBeTrue();
        page.Data.GetProperty("gifSource").GetString().ShouldBe("https://media.giphy.example/cat.gif");
        (await page.NextAsync()).ShouldBeNull();
        (await _web.Client.GetAsync($"/submissions/{Guid.CreateVersion7()}/events")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    /// <summary>Without a keep-alive, a proxy closes the connection, and a program that waits for events takes the connection for dead.</summary>
    [Fact]
    public async Task Live_status_sends_a_keep_alive_while_nothing_changes()
    {
        var id = await SubmitAsync();
        var time = new FakeTimeProvider();
        using var watch = new SubmissionWatch(_web.Service<SubmissionStore>(), time, _web.Service<IHostApplicationLifetime>(), NullLogger<SubmissionWatch>.Instance);
        await watch.StartAsync(default);
        await using var events = watch.WatchAsync(id, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.ShouldNotBeNull();

        for (var keepAlives = 0; keepAlives < 2; keepAlives++)
        {
            var next = events.MoveNextAsync().AsTask();
            var seconds = 0;
            for (; !next.IsCompleted && seconds < 60; seconds++)
            {
                time.Advance(TimeSpan.FromSeconds(1)); // and with it, the store is polled once more
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
            seconds.ShouldBeInRange(20, 25);
            (await next).ShouldBeTrue();
            events.Current.ShouldBeNull();
        }
        await watch.StopAsync(default);
    }

    [Fact]
    public async Task Page_after_the_form_shows_its_sender_the_request_time_and_the_address()
    {
        var posted = await _web.PostFormAsync("jane.doe@people.example", "hello");
        var cookie = posted.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("answered-in=", StringComparison.Ordinal));
        cookie.ShouldContain($"path={posted.Headers.Location}", Case.Insensitive);
        cookie.ShouldContain("httponly", Case.Insensitive);
        var id = Guid.Parse(posted.Headers.Location!.ToString().Split('/')[^1]);
        await AdvanceAsync(id, SubmissionState.Sent, 1, "cat");

        var page = WebUtility.HtmlDecode(await _web.Client.GetStringAsync(posted.Headers.Location));
        page.ShouldMatch(@"Your request took \d+ ms; the mail took [\d.]+ m?s, and you didn’t wait for it\.");
        page.ShouldContain("To jane.doe@people.example");
        page.ShouldContain("/gifs/cat.gif");
        (await _web.Client.GetAsync("/gifs/cat.gif")).Content.Headers.ContentType!.MediaType.ShouldBe("image/gif");
        (await _web.Client.GetAsync("/gifs/nothing.gif")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    public void Dispose() => _web.Dispose();

    private async Task<Guid> SubmitAsync()
    {
        using var response = await _web.Client.PostAsJsonAsync("/api/submissions", new { email = "jane@example.com", thought = "hello" });
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }

    private Task AdvanceAsync(Guid id, SubmissionState state, int attempt, string? gif = null) =>
        _web.Service<SubmissionStore>().AdvanceAsync(id, state, attempt, default, sentAt: state == SubmissionState.Sent ? DateTimeOffset.UtcNow : null, gif: gif);

    private async Task<OpenPage> OpenAsync(Guid id)
    {
        var response = await _web.Client.GetAsync($"/submissions/{id}/events", HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        return new OpenPage(response, await response.Content.ReadAsStreamAsync());
    }

    private sealed class OpenPage(HttpResponseMessage response, Stream stream) : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<SseItem<string>> _events = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();

        public JsonElement Data { get; private set; }

        /// <returns>The state in the next event; null at the end of the stream.</returns>
        public async Task<string?> NextAsync()
        {
            while (await _events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)))
            {
                if (_events.Current.EventType != "status")
                    continue;
                Data = JsonDocument.Parse(_events.Current.Data).RootElement;
                return Data.GetProperty("state").GetString();
            }
            return null;
        }

        public async ValueTask DisposeAsync()
        {
            response.Dispose();
            await stream.DisposeAsync();
            await _events.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it reads from the stream that was just closed
        }
    }
}
