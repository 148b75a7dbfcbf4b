using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What happens when an operator acts on the board. Without a broker, an operation that would start says that the broker is unreachable.</summary>
public sealed class CatalogueActionTests
{
    private const string Board = "/dead-letters";
    private const string Replay = Board + "/letters/replay";

    [Fact]
    public async Task Cause_in_several_queues_asks_for_the_queue_and_one_in_a_single_queue_does_not()
    {
        await using var site = await CatalogueSite.StartAsync();
        var timeout = new FailedLetter();
        var tea = new FailedLetter { Exception = "Shop.OutOfStockException", Stack = null };
        await site.AddAsync(timeout, timeout with { Queue = "mail_error", MessageId = Guid.CreateVersion7() }, timeout with { Queue = "mail_error", MessageId = Guid.CreateVersion7() }, tea);
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);

        var choice = await client.PostAsync(Replay, ("only", timeout.Build().Cause.Id));
        choice.Text.ShouldContain("Replay 3: choose a queue");
        choice.Text.ShouldContain("mail_error 2 Replay… orders_error 1 Replay…");
        (await client.PostAsync(Replay, ("all", "true"), ("q", "queue:error"))).Html.ShouldContain($"href=\"{Board}?q=queue%3Aerror\">Cancel"); // keeps the search
        (await client.PostAsync(Replay, ("only", timeout.Build().Cause.Id), ("at", "shop/mail_error/"))).Text.ShouldContain("The broker is unreachable");
        (await client.PostAsync(Replay, ("only", tea.Build().Cause.Id))).Text.ShouldContain("The broker is unreachable");
        (await client.PostAsync(Replay, ("cause", timeout.Build().Cause.Id), ("cause", tea.Build().Cause.Id))).Text.ShouldContain("Replay 4: choose a queue");
    }

    [Fact]
    public async Task Selection_of_letters_is_split_by_queue_and_an_empty_one_does_nothing()
    {
        await using var site = await CatalogueSite.StartAsync();
        var (one, two) = (new FailedLetter { Queue = "orders/a_error" }, new FailedLetter { Queue = "mail_error" });
        await site.AddAsync(one, two);
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);
        var (first, second) = ($"shop/orders%2Fa_error/{one.Build().Id}", $"shop/mail_error/{two.Build().Id}");

        (await client.PostAsync(Replay, ("letter", first), ("letter", second))).Text.ShouldContain("Replay 2: choose a queue");
        (await client.PostAsync(Replay, ("letter", second))).Text.ShouldContain("The broker is unreachable");
        foreach (var nothing in new (string, string)[][] { [], [("q", "exception:Timeout")], [("only", "00000000")], [("cause", "00000000")], [("all", "true"), ("q", "queue:nowhere")] })
        {
            var answer = await client.PostAsync(Replay, nothing);
            answer.Status.ShouldBe(HttpStatusCode.BadRequest);
            answer.Text.ShouldContain("Nothing is selected");
        }
        (await client.PostAsync(Replay, ("letter", "nonsense"))).Text.ShouldContain("names no dead letter");
        (await client.PostAsync(Replay, ("letter", "other/mail_error/0123456789abcdef"))).Text.ShouldContain("This application acts on shop only");
    }

    [Fact]
    public async Task Reader_without_the_right_to_act_sees_no_buttons_and_is_refused()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var http = new HttpClient { BaseAddress = site.Address };
        http.DefaultRequestHeaders.Add("X-Role", "support");

        foreach (var page in new[] { Board, Board + "/letters" })
        {
            var html = await http.GetStringAsync(page);
            html.ShouldContain("TimeoutException");
            html.ShouldNotContain("Replay…");
            html.ShouldNotContain("/letters/discard");
            html.ShouldNotContain("type=\"checkbox\"");
        }
        foreach (var verb in new[] { "replay", "discard" })
            (await http.PostAsync($"{Board}/letters/{verb}", null)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        http.DefaultRequestHeaders.Remove("X-Role");
        http.DefaultRequestHeaders.Add("X-Role", "nobody");
        foreach (var page in new[] { Board, Board + "/letters", Board + "/events" })
            (await http.GetAsync(page)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }
}
