using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>
/// The pages of two sources with queues of the same name. No broker answers: a page that reads a queue names the address it asked, 127.0.0.1:1 for the
/// source shop and 127.0.0.1:2 for billing.
/// </summary>
public sealed partial class SourcePageTests
{
    private const string Board = "/dead-letters";
    private const string Letters = Board + "/letters";
    private const string Queue = "orders_error";

    [Fact]
    public async Task Each_link_and_button_of_the_pages_of_two_sources_leads_to_the_source_of_its_letter()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        var (same, own) = (new FailedLetter(), new Dictionary<string, FailedLetter>());
        foreach (var source in new[] { "shop", "billing" })
        {
            own[source] = new FailedLetter();
            await site.AddToAsync(source, same, own[source]); // one of them is the same, byte for byte
            await site.QueueAsync(Queue, 2, source: source);
        }
        using var client = new PageClient(site.Address);
        var list = await client.GetAsync(Letters);

        var rows = Rows().Matches(list.Html).Select(row => (Source: row.Groups[1].Value, Address: row.Groups[2].Value)).ToList();

        rows.Count.ShouldBe(4);
        foreach (var (source, address) in rows)
        {
            address.ShouldStartWith(PathOf(source) + "/letters/");
            var letter = await client.GetAsync(address);
            letter.Status.ShouldBe(HttpStatusCode.OK, address);
            letter.Html.ShouldContain($"({source}) - Shop</title>");
            letter.Text.ShouldContain((address.EndsWith(same.Build().Id, StringComparison.Ordinal) ? same : own[source]).MessageId.ToString());
            ShouldStayIn(source, letter);
        }
        var cause = await client.GetAsync(Board + "/causes/" + same.Build().Cause.Id);
        foreach (var source in own.Keys)
        {
            cause.Html.ShouldContain($"href=\"{PathOf(source)}/letters/{own[source].Build().Id}\"");
            cause.Html.ShouldContain($"href=\"{PathOf(source)}/letters?cause={same.Build().Cause.Id}\"");
            cause.Html.ShouldContain($"action=\"{PathOf(source)}/replay\"");
            cause.Html.ShouldContain($"formaction=\"{PathOf(source)}/discard\"");
        }
        var board = await client.GetAsync(Board);
        board.Text.ShouldContain("orders_error shop");
        board.Text.ShouldContain("orders_error billing");
        foreach (var source in own.Keys)
        {
            var listed = await client.GetAsync(board.Link($"source%3A{source}"));
            listed.Text.ShouldContain("1 to 2 of 2");
            listed.Link("/queues/").ShouldBe(PathOf(source)); // read the queue itself
            Rows().Matches(listed.Html).Select(row => row.Groups[1].Value).ShouldBe([source, source]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/letters")]
    [InlineData("/letters/0123456789abcdef")]
    public async Task Page_that_reads_a_queue_asks_the_broker_of_its_source(string page)
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        using var client = new PageClient(site.Address);

        (await client.GetAsync(PathOf("shop") + page)).Text.ShouldContain("127.0.0.1:1");
        var billing = await client.GetAsync(PathOf("billing") + page);

        billing.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        billing.Text.ShouldContain("127.0.0.1:2");
        billing.Text.ShouldNotContain("127.0.0.1:1");
    }

    [Theory]
    [InlineData("replay")]
    [InlineData("discard")]
    [InlineData("letters/0123456789abcdef/edit")]
    [InlineData("letters/0123456789abcdef/edit/preview")]
    [InlineData("letters/0123456789abcdef/download")]
    public async Task Action_asks_the_broker_of_its_source(string action)
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);

        var answer = await client.PostAsync($"{PathOf("billing")}/{action}", ("which", "all"), ("message", "{}"));

        answer.Text.ShouldContain("127.0.0.1:2");
        answer.Text.ShouldNotContain("127.0.0.1:1");
    }

    [Fact]
    public async Task Unknown_source_is_not_found()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        await site.AddToAsync("elsewhere", new FailedLetter());
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);

        foreach (var path in new[] { "", $"/{Queue}", $"/{Queue}/letters", $"/{Queue}/letters/{new FailedLetter().Build().Id}" })
        {
            foreach (var source in new[] { "elsewhere", "Billing", "%252F", "%25252E%25252E" })
            {
                var answer = await client.GetAsync($"{Board}/sources/{source}/queues{path}");
                answer.Status.ShouldBe(HttpStatusCode.NotFound, $"{source} {path}");
                answer.Text.ShouldContain("has no source");
            }
        }
        (await client.PostAsync($"{Board}/sources/elsewhere/queues/{Queue}/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Letter_of_a_source_of_another_host_is_shown_and_cannot_be_acted_on()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        var letter = new FailedLetter();
        await site.AddToAsync("elsewhere", letter);
        await site.AddAsync(letter); // the same one in our own queue
        using var client = new PageClient(site.Address);
        var list = await client.GetAsync(Letters + "?q=source:elsewhere");
        list.Html.ShouldNotContain("View the queue directly");

        var page = await client.GetAsync(Rows().Match(list.Html).Groups[2].Value);

        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Text.ShouldContain("In elsewhere. This application is not connected to that source");
        page.Html.ShouldNotContain("<form");
        page.Html.ShouldNotContain("href=\"/dead-letters/queues/");
        page.Text.ShouldContain(letter.MessageId.ToString());
        foreach (var act in new[] { "reveal", "download", "edit" })
            (await client.PostAsync($"{PathOf("shop")}/letters/{letter.Build().Id}/{act}?source=elsewhere")).Text.ShouldNotContain("jane@example.com");
        var cause = await client.GetAsync(Board + "/causes/" + letter.Build().Cause.Id);
        cause.Text.ShouldContain("This application is not connected to this source.");
        var choice = await client.PostAsync(Letters + "/replay", ("all", "true"));
        choice.Text.ShouldContain("orders_error elsewhere 1 not connected to this source");
    }

    [Fact]
    public async Task Old_link_to_a_letter_of_another_host_leads_to_its_page_when_this_host_has_the_source()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        using var client = new PageClient(site.Address);

        (await client.GetAsync($"{PathOf("shop")}/letters/0123456789abcdef?source=billing")).Location.ShouldBe($"{PathOf("billing")}/letters/0123456789abcdef");
    }

    [Fact]
    public async Task Selection_in_two_sources_is_an_operation_for_each_of_their_queues()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        await site.AddToAsync("billing", new FailedLetter(), new FailedLetter());
        await site.AddAsync(new FailedLetter());
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);

        var choice = await client.PostAsync(Letters + "/replay", ("all", "true"));

        choice.Text.ShouldContain("Replay 3: choose a queue");
        choice.Text.ShouldContain("orders_error billing 2 Replay… orders_error shop 1 Replay…");
        (await client.PostAsync(Letters + "/replay", ("all", "true"), ("at", $"billing/{Queue}/"))).Text.ShouldContain("127.0.0.1:2");
        (await client.PostAsync(Letters + "/replay", ("all", "true"), ("at", $"shop/{Queue}/"))).Text.ShouldContain("127.0.0.1:1");
        (await client.PostAsync(Letters + "/replay", ("all", "true"), ("q", "source:billing"))).Text.ShouldContain("127.0.0.1:2"); // a single queue: no choice
    }

    [Fact]
    public async Task Search_selects_a_source_as_text_and_as_a_field()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        await site.AddToAsync("billing", new FailedLetter(), new FailedLetter());
        await site.AddAsync(new FailedLetter());
        using var client = new PageClient(site.Address);
        (await client.GetAsync(Board)).Text.ShouldContain("Dead letters 3 ");

        (await client.GetAsync((await client.PostAsync(Board + "/search", ("q", "source:billing"))).Location!)).Text.ShouldContain("Dead letters 2 ");
        var field = await client.GetAsync((await client.PostAsync(Board + "/search", ("fields", "true"), ("q", "exception:Timeout"), ("source", "shop"))).Location!);
        field.Text.ShouldContain("Dead letters 1 ");
        field.Html.ShouldContain("<option value=\"shop\" selected");
        (await client.PostAsync(Board + "/search", ("fields", "true"), ("q", "source:shop"), ("source", ""))).Location.ShouldBe(Board);
    }

    [Fact]
    public async Task Audit_names_the_source_and_shows_the_entries_of_one_queue_only()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        var letter = new FailedLetter();
        await site.AddToAsync("billing", letter);
        await site.AddAsync(letter);
        using var client = new PageClient(site.Address);
        await client.GetAsync(Board);
        (await client.PostAsync($"{PathOf("billing")}/letters/{letter.Build().Id}/reveal")).Status.ShouldBe(HttpStatusCode.OK);

        var audit = await client.GetAsync(Board + "/audit");
        audit.Text.ShouldContain("orders_error billing");
        audit.Html.ShouldContain($"href=\"{PathOf("billing")}\"");
        audit.Html.ShouldNotContain($"href=\"{PathOf("shop")}\"");
        (await client.GetAsync($"{Board}/audit?queue={Queue}&source=billing")).Text.ShouldContain("reveal 1 by Erin");
        (await client.GetAsync($"{Board}/audit?queue={Queue}&source=shop")).Text.ShouldContain("No entries yet");
    }

    [Fact]
    public async Task Lists_of_all_sources_say_which_broker_does_not_answer_and_why()
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing");
        using var client = new PageClient(site.Address);

        var queues = await client.GetAsync(Board + "/queues");
        queues.Status.ShouldBe(HttpStatusCode.OK);
        queues.Text.ShouldContain("The queues of shop can’t be read: The management API is unreachable at http://127.0.0.1:1/");
        queues.Text.ShouldContain("The queues of billing can’t be read: The management API is unreachable at http://127.0.0.1:2/");
        queues.Text.ShouldNotContain("can see no dead-letter queue");
        var found = await client.GetAsync(Board + "/find?id=0123456789abcdef");
        found.Text.ShouldContain("Not searched: shop: The management API is unreachable at http://127.0.0.1:1/");
        found.Text.ShouldContain("Not searched: billing: The management API is unreachable at http://127.0.0.1:2/");
    }

    [Fact]
    public async Task Only_source_of_an_application_is_named_nowhere()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = new FailedLetter();
        await site.AddAsync(letter, letter with { Queue = "mail_error", MessageId = Guid.CreateVersion7() });
        await site.QueueAsync(Queue, 1);
        using var client = new PageClient(site.Address);
        var address = $"{PathOf("shop")}/letters/{letter.Build().Id}";
        await client.GetAsync(Board);
        await client.PostAsync(address + "/reveal");

        foreach (var path in new[] { Board, Letters, address, $"{Board}/causes/{letter.Build().Cause.Id}", Board + "/audit", $"{Board}/audit?queue={Queue}" })
        {
            var page = await client.GetAsync(path);
            page.Status.ShouldBe(HttpStatusCode.OK, path);
            page.Text.ShouldNotContain("shop", Case.Sensitive, path);
            page.Html.ShouldNotContain("/sources/", Case.Sensitive, path);
            page.Html.ShouldNotContain("source%3A", Case.Sensitive, path);
        }
    }

    private static string PathOf(string source) => source == "shop" ? $"{Board}/queues/{Queue}" : $"{Board}/sources/{source}/queues/{Queue}";

    // Each address of a queue or of a list of one queue is in the source.
    private static void ShouldStayIn(string source, Answer page)
    {
        var addresses = Addresses().Matches(page.Html).Select(address => WebUtility.HtmlDecode(address.Groups[1].Value)).ToList();
        addresses.Count(address => address.Contains("/queues/", StringComparison.Ordinal)).ShouldBeGreaterThan(5);
        foreach (var address in addresses.Where(address => address.Contains("/queues/", StringComparison.Ordinal)))
            address.ShouldStartWith(PathOf(source));
        foreach (var address in addresses.Where(address => address.Contains("queue%3A", StringComparison.Ordinal)))
            address.ShouldContain($"source%3A{source}");
    }

    [GeneratedRegex("name=\"letter\" value=\"([^/\"]*)/[^\"]*\".*?<a data-main href=\"([^\"]*)\"", RegexOptions.Singleline)]
    private static partial Regex Rows();

    [GeneratedRegex("(?:href|action|formaction)=\"([^\"]*)\"")]
    private static partial Regex Addresses();
}
