using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The pages show what becomes of replayed messages after the end of the replay, on any instance.</summary>
public sealed class ReplayOutcomePageTests
{
    private const string Operation = "0199c4f0000070008000000000000009"; // as CatalogueSite.ReplayedAsync says

    [Fact]
    public async Task Operation_of_another_instance_shows_the_outcomes_as_they_are_now()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letters = await ReplayAsync(site, 3);
        await site.RanElsewhereAsync(Operation, "orders_error", "3 of 3 replayed: outcomes not waited for");
        using var client = new PageClient(site.Address);

        var page = await client.GetAsync($"/dead-letters/operations/{Operation}");
        page.Text.ShouldContain("Outcomes now");
        page.Text.ShouldContain("May still be in the queue 3");
        page.Html.ShouldContain("data-refresh");

        await site.ReportAsync($"{Operation}.1", "Handled");
        await site.ReportAsync($"{Operation}.2", "Delayed", new DateTimeOffset(2026, 11, 29, 12, 1, 0, TimeSpan.Zero));
        await site.ReportAsync($"{Operation}.3", "Taken");
        page = await client.GetAsync($"/dead-letters/operations/{Operation}");
        page.Text.ShouldContain("Handled 1");
        page.Text.ShouldContain("handled by Shop.PlaceOrderConsumer, version 2.4.0, in 12 ms");
        page.Text.ShouldContain("delayed by Shop.PlaceOrderConsumer, version 2.4.0, in 12 ms, until 2026-11-29 12:01:00Z");
        page.Text.ShouldContain("Taken, no word yet 1");
        page.Text.ShouldContain(letters[0].MessageId.ToString());

        await site.AddAsync(letters[2] with { At = DateTimeOffset.UtcNow, Replays = 1, ReplayId = $"{Operation}.3" });
        await site.ReportAsync($"{Operation}.2", "Handled");
        page = await client.GetAsync($"/dead-letters/operations/{Operation}");
        page.Text.ShouldContain("Failed again 1");
        page.Text.ShouldContain("Handled 2");
        page.Html.ShouldNotContain("data-refresh"); // nothing is open any more
        (await client.GetAsync(page.Link("/queues/orders_error/letters/"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Letter_shows_in_its_timeline_what_became_of_its_replay()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = (await ReplayAsync(site, 1))[0];
        using var client = new PageClient(site.Address);
        var address = $"/dead-letters/queues/orders_error/letters/{letter.Build().Id}";

        var page = await client.GetAsync(address);
        page.Text.ShouldContain("Replayed by Sam");
        page.Text.ShouldContain("May still be in the queue");
        page.Html.ShouldContain("data-refresh");

        await site.ReportAsync($"{Operation}.1", "Handled");
        page = await client.GetAsync(address);
        page.Text.ShouldContain("Handled by Shop.PlaceOrderConsumer, version 2.4.0, in 12 ms");
        page.Html.ShouldNotContain("data-refresh");
    }

    private static async Task<List<FailedLetter>> ReplayAsync(CatalogueSite site, int count)
    {
        var now = DateTimeOffset.UtcNow;
        List<FailedLetter> letters = [.. Enumerable.Range(0, count).Select(number => new FailedLetter { At = now.AddMinutes(-70 - number), MessageId = Guid.CreateVersion7() })];
        await site.AddAsync(letters);
        await site.ReplayedAsync("orders_error", "Sam", now.AddMinutes(-7), [.. letters.Select(letter => letter.Build().Id)]);
        await site.NoteReplayAsync(Operation, "orders_error", [.. letters.Select(letter => letter.Build().Id)]);
        return letters;
    }
}
