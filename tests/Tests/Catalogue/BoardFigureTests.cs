using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The figures of the board's pages: counts, ages, rates, orders, and where they lead.</summary>
public sealed partial class BoardFigureTests : IAsyncLifetime
{
    private const string Board = "/dead-letters";
    private const string Letters = Board + "/letters";

    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;
    private CatalogueSite _site = null!;
    private PageClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _site = await CatalogueSite.StartAsync();
        _client = new PageClient(_site.Address);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _site.DisposeAsync();
    }

    [Theory]
    [InlineData("", "Tea Cup Pot", "Count")]
    [InlineData("first", "Cup Pot Tea", "First")]
    [InlineData("last", "Tea Pot Cup", "Last")]
    public async Task Causes_are_in_the_order_that_was_asked_for_and_the_column_says_so(string sort, string order, string column)
    {
        await _site.AddAsync(Failures("Tea", 3, first: 60, last: 10).Concat(Failures("Cup", 2, first: 180, last: 120)).Append(Failure("Pot", 90)));

        var board = await _client.GetAsync($"{Board}?span=7d&q=queue:orders&sort={sort}");

        Names().Matches(board.Html).Select(name => name.Groups[1].Value).ShouldBe(order.Split(' '));
        Sorted().Matches(board.Html).Select(header => header.Groups[1].Value).ShouldBe([column]);
        board.Html.ShouldContain($"href=\"{Board}?q=queue%3Aorders&amp;span=7d&amp;sort=last\"");
    }

    [Fact]
    public async Task Board_shows_how_much_is_there_how_old_it_is_and_how_fast_it_grows()
    {
        await _site.AddAsync(Failures("Old", 40, first: 30 * 60, last: 28 * 60).Concat(Failures("Tea", 19, first: 125, last: 100)).Append(Failure("Tea", 110) with { Queue = "mail_error" })
            .Concat(Failures("Cup", 50, first: 60, last: 50)).Concat(Failures("Tea", 15, first: 3, last: 1)).Concat(Failures("Cup", 5, first: 2, last: 1)).Append(Failure("Pot", 0)));
        await _site.QueueAsync("orders_error", 130);
        await _site.QueueAsync("mail_error", 10, walked: 3);

        var board = await _client.GetAsync(Board);

        board.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain("Dead letters 131 "), it => it.ShouldContain("Causes 4 "), it => it.ShouldContain("Oldest 30 h ago "), it => it.ShouldContain("Failures per minute 4.2 "),
            it => it.ShouldContain("Replays in progress 0 "), it => it.ShouldContain("Queues not fully read 1 of 2 "),
            it => it.ShouldContain("First new cause in the last 24 h: TeaException in orders_error , 2 h ago ; 2 more causes since"),
            it => it.ShouldContain("Grows fastest: TeaException , 15 in the last 30 min, since 2 h ago"));
        board.Link("cause%3A").ShouldBe($"{Letters}?q=cause%3A{CauseOf("Tea")}");
        (await _client.GetAsync(Board + "?span=7d")).Text.ShouldContain("First new cause in the last 7 d: OldException in orders_error , 30 h ago ; 3 more causes since");
        (await _client.GetAsync(Board + "?q=exception:Old")).Text.ShouldSatisfyAllConditions(it => it.ShouldContain("No new cause in the last 24 h"), it => it.ShouldNotContain("Grows fastest"));
        (await _client.GetAsync(Board + "?q=exception:Old&span=1h")).Html.ShouldContain("aria-current=\"true\">1 h</a>");
    }

    [Fact]
    public async Task Row_of_a_cause_shows_its_course_and_leads_to_its_letters()
    {
        await _site.AddAsync(Failures("Tea", 6, first: 30 * 60, last: 30 * 60).Concat(Failures("Tea", 4, first: 200, last: 200)).Concat(Failures("Tea", 2, first: 0, last: 0)).Concat(Failures("Cup", 3, first: 200, last: 200)));

        var board = await _client.GetAsync(Board + "?q=queue:orders");

        board.Html.ShouldContain("aria-label=\"6 failures, 2 in the last 15 min\"");
        board.Text.ShouldContain(" 12 6 failures, 2 in the last 15 min TeaException ");
        board.Text.ShouldContain("CupException new");
        board.Text.ShouldNotContain("TeaException new"); // more than a day old
        board.Html.ShouldContain("aria-label=\"3 failures, 0 in the last 15 min\"");
        Shares().Matches(board.Html).Select(share => share.Groups[1].Value).ShouldBe(["100%", "25%"]);
        Sparks().Match(board.Html).Groups[1].Value.Split(' ')[^2].ShouldEndWith(",51"); // two of four at the right end
        var letters = $"{Letters}?q=queue%3Aorders%20cause%3A{CauseOf("Cup")}";
        board.Html.ShouldContain($"<a href=\"{letters}\" aria-label=\"List 3 CupException\"");
        (await _client.GetAsync(letters)).Text.ShouldContain("1 to 3 of 3");
    }

    [Fact]
    public async Task Bar_selects_its_own_step_only_and_says_how_many_it_counts()
    {
        await _site.AddAsync(Failures("Tea", 3, first: 315, last: 315).Concat(Failures("Tea", 7, first: 300, last: 300)).Concat(Failures("Tea", 5, first: 285, last: 285)));

        var board = await _client.GetAsync(Board);

        var bars = Bars().Matches(board.Html).Select(bar => (Link: WebUtility.HtmlDecode(bar.Groups[1].Value), Title: bar.Groups[2].Value)).ToList();
        bars.Select(bar => bar.Title.Split(" from ")[0]).ShouldBe(["3", "7", "5"]);
        for (var bar = 0; bar < 3; bar++)
            (await _client.GetAsync(bars[bar].Link)).Text.ShouldContain($"Dead letters {bars[bar].Title.Split(' ')[0]} ");
        board.Text.ShouldContain("most 7");
        board.Html.ShouldContain("until now: 15 in all, at most 7 in 15 min.");
        var axis = Axis().Matches(board.Html).Select(time => DateTimeOffset.Parse(time.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        axis.Select(time => time - axis[0]).ShouldBe([TimeSpan.Zero, TimeSpan.FromHours(12), TimeSpan.FromHours(24)]);
    }

    [Fact]
    public async Task List_shows_when_each_letter_failed_and_what_became_of_it()
    {
        var (replayed, again, often) = (Failure("Tea", 50), Failure("Cup", 40) with { Replays = 1 }, Failure("Pot", 30) with { Replays = 3, Reason = new string('w', 400) });
        await _site.AddAsync(replayed, again, often, Failure("Bag", 20));
        await _site.ReplayedAsync("orders_error", "Sam", _now.AddMinutes(-10), replayed.Build().Id);

        var list = await _client.GetAsync(Letters + "?q=state:any");

        Rows(list).ShouldBe(
        [
            "20 min ago BagException The database did not answer within 30 s PlaceOrder orders_error in the queue",
            $"30 min ago PotException {new string('w', 300)}… PlaceOrder orders_error failed again, 3 ×",
            "40 min ago CupException The database did not answer within 30 s PlaceOrder orders_error failed again",
            "50 min ago TeaException The database did not answer within 30 s PlaceOrder orders_error replayed 10 min ago by Sam",
        ]);
        list.Html.ShouldNotContain("name=\"letter\""); // those that left can't be selected
        (await _client.GetAsync(Letters)).Html.ShouldContain("name=\"letter\"");
    }

    [Fact]
    public async Task Queues_that_need_attention_come_first_and_empty_ones_are_folded()
    {
        await _site.AddAsync(Failures("Tea", 3, first: 9, last: 9).Append(Failure("Tea", 9) with { Queue = "mail_error" }));
        await _site.QueueAsync("orders_error", 3);
        await _site.QueueAsync("mail_error", 5);
        await _site.QueueAsync("stock_error", 0);
        await _site.QueueAsync("bills_error", 0);

        var board = await _client.GetAsync(Board);

        board.Text.ShouldContain("Queues 2 of 4 hold dead letters mail_error 1 counts differ: the broker has 5 orders_error 3 complete 2 empty and complete bills_error 0 complete stock_error 0 complete");
        (await _client.GetAsync(board.Link("queue%3A%22mail_error"))).Text.ShouldContain("1 to 1 of 1");
    }

    private static IEnumerable<string> Rows(Answer page) =>
        LetterRow().Matches(page.Html).Select(row => new Answer(HttpStatusCode.OK, "", row.Value, null, null).Text.Trim());

    private static string CauseOf(string name) => new FailedLetter { Exception = $"Shop.{name}Exception", Stack = null }.Build().Cause.Id;

    // Failures between two ages, in minutes.
    private IEnumerable<FailedLetter> Failures(string name, int count, double first, double last) =>
        Enumerable.Range(0, count).Select(number => Failure(name, count == 1 ? first : first + ((last - first) * number / (count - 1))));

    private FailedLetter Failure(string name, double minutes) => new() { Exception = $"Shop.{name}Exception", Stack = null, At = _now.AddMinutes(-minutes) };

    [GeneratedRegex("<a data-main[^>]*>(\\w+)Exception</a>")]
    private static partial Regex Names();

    [GeneratedRegex("aria-sort=\"\\w+\"><a [^>]*>(\\w+)</a>")]
    private static partial Regex Sorted();

    [GeneratedRegex("class=\"share\"[^>]*><rect width=\"([^\"]*)\"")]
    private static partial Regex Shares();

    [GeneratedRegex("<polygon points=\"([^\"]*)\"")]
    private static partial Regex Sparks();

    [GeneratedRegex("<a href=\"([^\"]*)\" tabindex=\"-1\"[^>]*>\\s*<title>([^<]*)</title>")]
    private static partial Regex Bars();

    [GeneratedRegex("<time data-clock=\"time\" datetime=\"([^\"]*)\"")]
    private static partial Regex Axis();

    [GeneratedRegex("<tr role=\"row\" data-row>.*?</tr>", RegexOptions.Singleline)]
    private static partial Regex LetterRow();
}
