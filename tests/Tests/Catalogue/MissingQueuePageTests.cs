using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>How the pages show messages that failed while their queue was missing, and messages that were never seen in it.</summary>
public sealed class MissingQueuePageTests
{
    private const string Board = "/dead-letters";

    [Fact]
    public async Task Board_list_and_letter_say_that_a_message_is_kept_because_its_queue_is_missing()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = new FailedLetter();
        await site.KeepAsync(letter, new FailedLetter());
        using var client = new PageClient(site.Address);

        var board = await client.GetAsync(Board);
        board.Text.ShouldContain("2 messages failed while the dead-letter queue was missing. They are kept here, and put back when the queue exists again.");
        board.Text.ShouldContain("its queue is missing: 2 kept here, and put back when it exists again");
        var list = await client.GetAsync(board.Link("/letters?"));
        list.Text.ShouldContain("kept here: its queue was missing");
        list.Text.ShouldContain("Put back selected");
        (await client.GetAsync($"{Board}/queues/orders_error/letters/{letter.Build().Id}")).Text.ShouldContain("It failed while orders_error was missing: it is kept here, and put back when the queue exists again.");
    }

    [Fact]
    public async Task Operator_has_messages_put_back_that_were_never_seen_in_their_queue()
    {
        await using var site = await CatalogueSite.StartAsync();
        var (one, two) = (new FailedLetter(), new FailedLetter());
        await site.AddAsync(one, two);
        await site.RemoveQueueAsync("orders_error");
        await site.QueueAsync("orders_error", 0); // it was declared again
        using var client = new PageClient(site.Address);
        (await client.GetAsync(Board)).Text.ShouldContain("2 messages are gone, and never seen in the queue");
        var list = await client.GetAsync($"{Board}/letters?q=state%3Aunseen");
        list.Text.ShouldContain("gone, and never seen in its queue");

        var answer = await client.FollowAsync($"{Board}/letters/put-back", ("letter", $"shop/orders_error/{one.Build().Id}"), ("q", "state:unseen"));
        answer.Text.ShouldContain("1 message is put back as soon as the queue exists and was read");
        var kept = await client.GetAsync($"{Board}/letters?q=state%3Akept");
        kept.Html.ShouldContain(one.Build().Id);
        kept.Html.ShouldNotContain(two.Build().Id);
        (await client.PostAsync($"{Board}/letters/put-back")).Text.ShouldContain("Nothing to put back");
    }

    [Fact]
    public async Task Operator_dismisses_all_messages_that_were_removed_on_purpose_and_the_audit_log_says_who()
    {
        await using var site = await CatalogueSite.StartAsync();
        var (kept, others) = (new FailedLetter { Queue = "other_error" }, Enumerable.Range(0, 60).Select(_ => new FailedLetter()).ToArray());
        await site.AddAsync(others);
        await site.RemoveQueueAsync("orders_error");
        await site.QueueAsync("orders_error", 0); // somebody purged it at once
        await site.KeepAsync(kept);
        using var client = new PageClient(site.Address);
        var list = await client.GetAsync($"{Board}/letters?q=state%3Aunseen");
        list.Text.ShouldSatisfyAllConditions(it => it.ShouldContain("Dismiss selected"), it => it.ShouldContain("Select all 60 that match"));
        (await client.GetAsync($"{Board}/letters?q=state%3Akept")).Text.ShouldNotContain("Dismiss");
        (await client.PostAsync($"{Board}/letters/dismiss", ("letter", $"shop/other_error/{kept.Build().Id}"))).Text.ShouldContain("Nothing to dismiss");

        var answer = await client.FollowAsync($"{Board}/letters/dismiss", ("all", Shown(list.Html)), ("q", "state:unseen"));

        answer.Text.ShouldContain("60 messages are dismissed, and now counted as gone.");
        (await client.GetAsync(Board)).Text.ShouldNotContain("never seen in the queue");
        (await client.GetAsync($"{Board}/queues/orders_error/letters/{others[0].Build().Id}")).Text.ShouldContain("gone, and dismissed by Erin");
        (await site.Audit.ReadAsync("orders_error", 1, CancellationToken.None)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            it => (it.Verb, it.By, it.Selected, it.Done, it.Refused, it.Problem).ShouldBe(("dismiss", "Erin", 60, 60, 0, "")), it => it.EndedAt.ShouldNotBeNull(), it => it.Messages.Count.ShouldBe(60));
    }

    [Fact]
    public async Task All_that_match_are_those_that_the_list_showed()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.KeepAsync(Enumerable.Range(0, 60).Select(_ => new FailedLetter()));
        using var client = new PageClient(site.Address);
        var kept = Shown((await client.GetAsync($"{Board}/letters?q=state%3Akept")).Html);
        await site.KeepAsync(new FailedLetter()); // failed since then
        (await client.FollowAsync($"{Board}/letters/put-back", ("all", kept), ("q", "state:kept"))).Text.ShouldContain("60 messages are put back");

        await site.AddAsync(Enumerable.Range(0, 60).Select(_ => new FailedLetter { Queue = "bills_error" }));
        await site.AddAsync(new FailedLetter { Queue = "other_error" });
        await site.AddAsync(new FailedLetter { Queue = "bills_error" });
        await LoseAsync(site, "bills_error");
        var before = Shown((await client.GetAsync($"{Board}/letters?q=state%3Aunseen")).Html);
        await LoseAsync(site, "other_error"); // an older one matches now, too
        foreach (var all in (string[])[before, "true"])
        {
            var refused = await client.PostAsync($"{Board}/letters/dismiss", ("all", all), ("q", "state:unseen"));
            (refused.Status, refused.Text.Contains("The list has changed", StringComparison.Ordinal)).ShouldBe((HttpStatusCode.Conflict, true));
        }
        (await site.Audit.ReadAsync(null, 1, CancellationToken.None)).ShouldBeEmpty();
        (await client.GetAsync($"{Board}/letters?q=state%3Aunseen")).Text.ShouldContain("Select all 62 that match");
    }

    [Fact]
    public async Task Thousands_of_messages_are_dismissed_in_several_transactions_so_that_the_feed_can_write_meanwhile()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(Enumerable.Range(0, 2_001).Select(_ => new FailedLetter()));
        await LoseAsync(site, "orders_error");
        using var client = new PageClient(site.Address);
        var shown = Shown((await client.GetAsync($"{Board}/letters?q=state%3Aunseen")).Html);
        var version = await site.VersionAsync();

        (await client.FollowAsync($"{Board}/letters/dismiss", ("all", shown), ("q", "state:unseen"))).Text.ShouldContain("2,001 messages are dismissed");

        (await site.VersionAsync() - version).ShouldBe(3);
        (await site.Audit.ReadAsync("orders_error", 1, CancellationToken.None)).Single().Done.ShouldBe(2_001);
    }

    [Fact]
    public async Task Program_dismisses_a_message_that_was_never_seen_in_its_queue()
    {
        await using var site = await CatalogueSite.StartAsync();
        var (one, two) = (new FailedLetter(), new FailedLetter());
        await site.AddAsync(one, two);
        await site.RemoveQueueAsync("orders_error");
        await site.QueueAsync("orders_error", 0);
        using var http = new HttpClient { BaseAddress = site.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await site.MakeTokenAsync()).Secret);

        (await http.PostAsJsonAsync($"{Board}/api/v1/letters/dismiss", new { letter = new[] { $"shop/orders_error/{one.Build().Id}" } })).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await http.GetStringAsync($"{Board}/api/v1/letters?q=state%3Aunseen")).ShouldSatisfyAllConditions(it => it.ShouldContain(two.Build().Id), it => it.ShouldNotContain(one.Build().Id));
        (await site.Audit.ReadAsync("orders_error", 1, CancellationToken.None)).Single().By.ShouldContain("deploy-bot");
    }

    [Fact]
    public async Task Reader_without_the_right_to_act_can_not_put_messages_back_nor_dismiss_them()
    {
        await using var site = await CatalogueSite.StartAsync();
        var (letter, unseen) = (new FailedLetter(), new FailedLetter());
        await site.AddAsync(unseen);
        await site.RemoveQueueAsync("orders_error");
        await site.KeepAsync(letter);
        using var http = new HttpClient { BaseAddress = site.Address };
        http.DefaultRequestHeaders.Add("X-Role", "support");

        (await http.GetStringAsync($"{Board}/letters?q=state%3Akept")).ShouldNotContain("Put back");
        (await http.GetStringAsync($"{Board}/letters?q=state%3Aunseen")).ShouldSatisfyAllConditions(it => it.ShouldContain(unseen.Build().Id), it => it.ShouldNotContain("Dismiss"));
        using var form = new FormUrlEncodedContent([new("letter", $"shop/orders_error/{letter.Build().Id}")]);
        (await http.PostAsync($"{Board}/letters/put-back", form)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await http.PostAsync($"{Board}/letters/dismiss", form)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    // What the page sends if the tick “Select all … that match” is set.
    private static string Shown(string html) => Regex.Match(html, "name=\"all\" value=\"([^\"]*)\"").Groups[1].Value;

    private static async Task LoseAsync(CatalogueSite site, string queue)
    {
        await site.RemoveQueueAsync(queue);
        await site.QueueAsync(queue, 0); // it was declared again
    }
}
