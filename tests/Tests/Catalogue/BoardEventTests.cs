using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The events that update an open board.</summary>
public sealed class BoardEventTests
{
    [Fact]
    public async Task Change_of_the_catalogue_is_sent_to_open_pages_and_the_connection_ends_with_the_application()
    {
        await using var site = await CatalogueSite.StartAsync();
        using var http = new HttpClient { BaseAddress = site.Address };
        using var answer = await http.GetAsync("/dead-letters/events", HttpCompletionOption.ResponseHeadersRead);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var events = new StreamReader(await answer.Content.ReadAsStreamAsync());

        var before = await NextAsync(events);
        await site.AddAsync(new FailedLetter());
        var after = await NextAsync(events);

        after.ShouldNotBe(before);
        (await http.GetStringAsync("/dead-letters")).ShouldContain($"data-board=\"{after}\"");
        var end = events.ReadToEndAsync();
        await site.StopAsync().WaitAsync(TimeSpan.FromSeconds(10));
        await Should.NotThrowAsync(() => end.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Of_2000_connections_200_are_kept_the_others_are_refused_pages_answer_and_a_closed_one_makes_room()
    {
        await using var site = await CatalogueSite.StartAsync();
        using var http = new HttpClient { BaseAddress = site.Address };
        var open = await Task.WhenAll(Enumerable.Range(0, 2000).Select(_ => http.GetAsync("/dead-letters/events", HttpCompletionOption.ResponseHeadersRead)));
        var refused = open.Where(answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable).ToList();
        (open.Count(answer => answer.StatusCode == HttpStatusCode.OK), refused.Count).ShouldBe((200, 1800));
        refused.ShouldAllBe(answer => answer.Headers.RetryAfter!.Delta == TimeSpan.FromSeconds(10));

        using (var page = await http.GetAsync("/dead-letters"))
            page.StatusCode.ShouldBe(HttpStatusCode.OK);
        foreach (var answer in open)
            answer.Dispose();
        await Eventually.SeeAsync(
            async () =>
            {
                using var answer = await http.GetAsync("/dead-letters/events", HttpCompletionOption.ResponseHeadersRead);
                return answer.StatusCode;
            },
            status => status == HttpStatusCode.OK, "a connection is accepted again");
        await Eventually.SeeAsync(() => Task.FromResult(site.OpenEvents), count => count == 0, "no connection is counted any more");
    }

    private static async Task<string> NextAsync(StreamReader events)
    {
        while (await events.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
                return line["data: ".Length..];
        }
        throw new EndOfStreamException();
    }
}
