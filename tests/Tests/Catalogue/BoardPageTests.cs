using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The pages over a catalogue. No broker answers here, so each page that is shown has read no queue.</summary>
public sealed partial class BoardPageTests
{
    private const string Board = "/dead-letters";
    private const string Letters = Board + "/letters";

    [Fact]
    public async Task Board_shows_each_cause_with_its_count_queues_and_ages()
    {
        await using var site = await CatalogueSite.StartAsync();
        var now = DateTimeOffset.UtcNow;
        await site.AddAsync(Failures(40, "orders_error", now.AddMinutes(-90)));
        await site.AddAsync(Failures(2, "mail_error", now.AddMinutes(-30)));
        await site.AddAsync(new FailedLetter { Exception = "Shop.OutOfStockException", Reason = "No tea in stock", Stack = null, At = now.AddHours(-3) });
        await site.QueueAsync("orders_error", 41);
        await site.QueueAsync("mail_error", 2);
        using var client = new PageClient(site.Address);

        var board = await client.GetAsync(Board);

        board.Status.ShouldBe(HttpStatusCode.OK);
        board.Text.ShouldContain("Dead letters 43");
        board.Text.ShouldContain("TimeoutException");
        board.Text.ShouldContain("orders_error and 1 more 90 min ago 30 min ago");
        board.Text.ShouldContain("OutOfStockException");
        board.Text.ShouldContain("First new cause in the last 24 h: OutOfStockException in orders_error , 3 h ago ; 1 more cause since");
        board.Html.ShouldContain("data-board=\"");
        board.Text.ShouldContain("Queues not fully read 0 of 2");
    }

    [Fact]
    public async Task Board_of_a_second_ago_has_the_stamp_of_what_it_shows_so_that_an_open_page_fetches_the_rest()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var client = new PageClient(site.Address);

        var first = await client.GetAsync(Board);
        await site.AddAsync(new FailedLetter());
        var second = await client.GetAsync(Board);

        first.Text.ShouldContain("Dead letters 1");
        (StampOf(second) == StampOf(first)).ShouldBe(second.Text.Contains("Dead letters 1", StringComparison.Ordinal));
        var last = await Eventually.SeeAsync(() => client.GetAsync(Board), page => page.Text.Contains("Dead letters 2", StringComparison.Ordinal), "the board shows both");
        StampOf(last).ShouldNotBe(StampOf(first));

        static string StampOf(Answer page) => Stamp().Match(page.Html).Groups[1].Value;
    }

    [Fact]
    public async Task Names_and_texts_of_messages_are_encoded_everywhere_also_in_the_titles_of_pictures()
    {
        const string evil = "\"'><script>alert(1)</script></title></svg><b onclick=x>";
        await using var site = await CatalogueSite.StartAsync(configure: options => options.LinkTo = _ => new Uri("javascript:alert(1)"));
        var letter = new FailedLetter
        {
            Queue = $"a{evil}_error",
            Exception = $"Shop.{evil}",
            Reason = evil,
            Type = "Shop:<script>alert(2)</script>",
            Consumer = evil,
            Version = evil,
            Stack = $"   at Shop.{evil}.Run()\n   at MassTransit.{evil}.Send()",
            Headers = new Dictionary<string, string> { [$"x{evil}"] = evil },
        };
        await site.AddAsync(letter, letter with { Queue = $"b{evil}_error", MessageId = Guid.CreateVersion7() });
        await site.QueueAsync(letter.Queue, 12, problem: evil);
        await site.QueueAsync($"b{evil}_error", 1, walked: 0);
        using var client = new PageClient(site.Address);

        var letters = await client.GetAsync(Letters);
        foreach (var path in new[] { Board, Board + "?span=7d&sort=first", Letters, Board + "?q=" + Uri.EscapeDataString("exception:script"), letters.Link("/letters/") })
        {
            var page = await client.GetAsync(path);
            page.Status.ShouldBe(HttpStatusCode.OK, path);
            page.Text.ShouldContain("script>alert(1)", customMessage: path); // it is there, as text
            Scripts().Count(page.Html).ShouldBe(2, path); // our own
            page.Html.ShouldNotContain("<b onclick", customMessage: path);
            page.Html.ShouldNotContain("javascript:", customMessage: path);
        }
        var choice = await client.PostAsync(Letters + "/replay", ("all", "true"));
        choice.Text.ShouldContain("Replay 2: choose a queue");
        choice.Html.ShouldNotContain("<b onclick");
        var wrong = await client.PostAsync(Board + "/search", ("q", $"nothing:{evil}"));
        wrong.Status.ShouldBe(HttpStatusCode.BadRequest);
        wrong.Html.ShouldNotContain("<b onclick");
    }

    [Theory]
    [InlineData("jane@example.com exception:Timeout", "exception%3ATimeout")]
    [InlineData("header:X-Customer=Jane", "")]
    [InlineData("id:jane@example.com", "")]
    public async Task Search_text_that_may_be_personal_is_not_readable_in_addresses(string text, string readable)
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);

        var answer = await client.PostAsync(Board + "/search", ("q", text), ("span", "7d"));

        answer.Status.ShouldBe(HttpStatusCode.SeeOther);
        answer.Location.ShouldNotBeNull().ShouldNotContain("jane", Case.Insensitive);
        answer.Location.ShouldContain(readable);
        answer.Location.ShouldContain("span=7d");
        var board = await client.GetAsync(answer.Location);
        board.Status.ShouldBe(HttpStatusCode.OK);
        WebUtility.HtmlDecode(board.Html).ShouldContain(text.Split(' ')[0]); // in the search box
        foreach (Match link in Addresses().Matches(board.Html))
            link.Value.ShouldNotContain("jane", Case.Insensitive);

        var typed = await client.GetAsync($"{Board}?q={Uri.EscapeDataString(text)}"); // by hand, or by an old link
        typed.Status.ShouldBe(HttpStatusCode.SeeOther);
        typed.Location.ShouldNotBeNull().ShouldNotContain("jane", Case.Insensitive);
    }

    [Fact]
    public async Task Search_that_cannot_be_read_says_why_and_keeps_what_was_typed()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);

        var answer = await client.PostAsync(Board + "/search", ("q", "age:yesterday"));

        answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        answer.Text.ShouldContain("“age:yesterday” is not an age");
        answer.Html.ShouldContain("value=\"age:yesterday\"");
        answer.Html.ShouldContain("aria-invalid=\"true\"");
    }

    [Fact]
    public async Task Bar_of_the_histogram_selects_the_letters_that_it_counts()
    {
        await using var site = await CatalogueSite.StartAsync();
        var now = DateTimeOffset.UtcNow;
        await site.AddAsync(Failures(3, "orders_error", now.AddHours(-5)).Concat(Failures(7, "orders_error", now.AddHours(-2))));
        using var client = new PageClient(site.Address);
        var board = await client.GetAsync(Board);

        var bars = Bars().Matches(board.Html).Select(bar => (Link: WebUtility.HtmlDecode(bar.Groups[1].Value), Count: bar.Groups[2].Value)).ToList();

        bars.Select(bar => bar.Count).ShouldBe(["3", "7"]);
        foreach (var (link, count) in bars)
            (await client.GetAsync(link)).Text.ShouldContain($"Dead letters {count} ");
    }

    [Fact]
    public async Task List_pages_through_letters_and_masks_their_reasons()
    {
        await using var site = await CatalogueSite.StartAsync(configure: options => options.PageLength = 10);
        await site.AddAsync(Enumerable.Range(0, 25).Select(number => new FailedLetter { Reason = $"No mailbox: jane{number}@example.com" }));
        using var client = new PageClient(site.Address);

        var first = await client.GetAsync(Letters);
        first.Text.ShouldContain("1 to 10 of 25");
        first.Text.ShouldContain("Select all 25 that match");
        first.Html.ShouldNotContain("@example.com");
        var last = await client.GetAsync((await client.GetAsync(first.Link("page=2"))).Link("page=3"));
        last.Text.ShouldContain("21 to 25 of 25");
        last.Html.ShouldNotContain("rel=\"next\"");
        (await client.GetAsync(Letters + "?page=9")).Text.ShouldContain("past the end");
        (await client.GetAsync(Letters + "?q=exception:Nothing")).Text.ShouldContain("No dead letter matches");
    }

    [Fact]
    public async Task Empty_board_says_whether_it_is_empty_or_not_read_yet()
    {
        await using var site = await CatalogueSite.StartAsync();
        using var client = new PageClient(site.Address);

        (await client.GetAsync(Board)).Text.ShouldContain("No dead-letter queue was found yet");
        await site.QueueAsync("orders_error", 0);
        await SeeAsync("All 1 dead-letter queues are empty");
        await site.QueueAsync("orders_error", 60_000, walked: 0);
        (await SeeAsync("Some queues have not been read completely")).Text.ShouldContain("being read: 0 of 60,000");
        (await client.GetAsync(Letters)).Text.ShouldContain("1 queue has not been read completely");
        (await client.GetAsync(Board + "?q=queue:nowhere")).Text.ShouldContain("No dead letter matches Change the search, or clear it. Clear filters");

        Task<Answer> SeeAsync(string text) => Eventually.SeeAsync(() => client.GetAsync(Board), page => page.Text.Contains(text, StringComparison.Ordinal), text); // the board may be a second old
    }

    [Fact]
    public async Task Pages_of_a_catalogue_that_is_not_kept_up_to_date_say_so()
    {
        await using var site = await CatalogueSite.StartAsync(isFed: true); // no broker answers
        await site.AddAsync(new FailedLetter());
        using var client = new PageClient(site.Address);
        await Eventually.SeeAsync(() => client.GetAsync(Board), page => page.Text.Contains("The catalogue is not kept up to date: ", StringComparison.Ordinal), "the board says why");

        foreach (var path in new[] { Board, Letters })
        {
            var page = await client.GetAsync(path);
            page.Text.ShouldContain("View the queues directly");
            page.Html.ShouldContain("-delayed:shop\" data-events=");
            page.Text.ShouldContain("TimeoutException"); // what is known is shown
        }
    }

    private static IEnumerable<FailedLetter> Failures(int count, string queue, DateTimeOffset at) => Enumerable.Range(0, count).Select(_ => new FailedLetter { Queue = queue, At = at });

    [GeneratedRegex("<script")]
    private static partial Regex Scripts();

    [GeneratedRegex("(?:href|action|data-events)=\"[^\"]*\"")]
    private static partial Regex Addresses();

    [GeneratedRegex("data-board=\"([^\"]+)\"")]
    private static partial Regex Stamp();

    [GeneratedRegex("<a href=\"([^\"]*)\" tabindex=\"-1\"[^>]*data-count=\"([^\"]*)\"")]
    private static partial Regex Bars();
}
