using System.Globalization;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>An outage, from the failed submission over the board to the mail.</summary>
[Trait("broker", "any")] // tests pages; LargeApplicationTests covers the board on each version
public sealed class OutageTests(Browser browser) : AtThePages(browser)
{
    private const string Board = "/dead-letters";

    [Fact]
    public async Task Four_thousand_dead_letters_with_three_causes_are_three_rows_of_the_board()
    {
        await using var site = new BoardSite();
        await site.InitializeAsync();
        (int Count, string Exception, string Reason)[] causes =
        [
            (2600, "MailDeferredException", "mail-{0}.example.com is unreachable (ConnectionRefused): check Smtp__Host, Smtp__Port and the mail server"),
            (1300, "TimeoutException", "It took {0} s"),
            (100, "MailRefusedException", "The recipient was refused: 550 5.1.1 No such mailbox: someone{0}@example.com"),
        ];
        foreach (var (count, exception, reason) in causes)
        {
            var first = TimeSpan.FromMinutes(count / 50d); // before now
            for (var put = 0; put < count; put += 20)
                await PutAsync(site, exception, string.Format(CultureInfo.InvariantCulture, reason, 30 + (put / 100)), 20, first * Math.Pow(1 - ((double)put / count), 2));
        }

        var visit = await VisitAsync(width: 1280, at: site.Web.Address);
        await site.SignInAsync(visit, Board + "?span=1h");

        await Assertions.Expect(Row(visit, "MailRefusedException")).ToContainTextAsync("100", new LocatorAssertionsToContainTextOptions { Timeout = 60_000 });
        await Assertions.Expect(visit.Page.Locator("dl.strip")).ToContainTextAsync("4,000", new LocatorAssertionsToContainTextOptions { Timeout = 60_000 });
        await Assertions.Expect(visit.Page.Locator("tr[data-row]")).ToHaveCountAsync(3);
        foreach (var (count, exception, _) in causes)
            await Assertions.Expect(Row(visit, exception).Locator("td.number")).ToHaveTextAsync(count.ToString("N0", CultureInfo.InvariantCulture));
        await visit.ShouldLookRightAsync();
        await visit.PictureAsync("dead-letters", height: 720);
    }

    /// <summary>The sequence of the README's animation: a mail that can't be delivered, the cause on the board, a replay with a canary, the mail.</summary>
    [Fact]
    public async Task Outage_is_found_on_the_board_fixed_and_replayed_with_a_canary_until_the_page_of_the_sender_says_sent()
    {
        using var film = new Film("incident");
        await using var site = new BoardSite();
        await site.InitializeAsync();
        await site.FailAsync([.. Enumerable.Range(1, 5).Select(number => $"user{number}@full.example")]);
        for (var hour = 1; hour <= 12; hour++)
        {
            await PutAsync(site, "TimeoutException", "The database did not answer within 30 s", 20, TimeSpan.FromHours(12 + (hour / 5d)));
            await PutAsync(site, "InvalidOperationException", "No exchange rate for 2026-11-28", 3, TimeSpan.FromHours(hour));
        }
        var sender = await VisitAsync(at: site.Web.Address);
        await sender.Page.SetViewportSizeAsync(960, 620);
        await sender.OpenFormAsync();
        await sender.Email.FillAsync("ann@full.example");
        await sender.Thought.FillAsync("Monday morning, and no coffee left");
        await film.ShootAsync(sender, TimeSpan.FromSeconds(2));
        await sender.Button.ClickAsync();
        await Assertions.Expect(sender.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("We couldn’t deliver your GIF", new LocatorAssertionsToContainTextOptions { Timeout = 30_000 });
        await film.ShootAsync(sender, TimeSpan.FromSeconds(2.5));

        var visit = await VisitAsync(at: site.Web.Address);
        await visit.Page.SetViewportSizeAsync(960, 620);
        await site.SignInAsync(visit, Board);
        await Assertions.Expect(visit.Page.Locator("dl.strip")).ToContainTextAsync("282", new LocatorAssertionsToContainTextOptions { Timeout = 60_000 });
        await film.ShootAsync(visit, TimeSpan.FromSeconds(3));
        var replay = Row(visit, "Mailbox full").GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Replay" });
        await visit.Page.EvaluateAsync("window.scrollTo(0, document.body.scrollHeight)");
        await film.ShootAsync(visit, TimeSpan.FromSeconds(2.5));
        await replay.ClickAsync();
        await visit.SeeHeadingAsync("Replay: 6");
        site.IsMended = true;
        var canary = visit.Page.GetByLabel("Canary");
        await canary.CheckAsync();
        await canary.ScrollIntoViewIfNeededAsync();
        await film.ShootAsync(visit, TimeSpan.FromSeconds(3));
        await visit.ClickAsync("Replay 6");
        await visit.SeeHeadingAsync("6 of 6 replayed: 6 handled");
        await film.ShootAsync(visit, TimeSpan.FromSeconds(3));

        await Assertions.Expect(sender.Heading).ToHaveTextAsync("Sent", new LocatorAssertionsToHaveTextOptions { Timeout = 30_000 });
        await film.ShootAsync(sender, TimeSpan.FromSeconds(4));
        await film.DevelopAsync();
    }

    private static Task PutAsync(BoardSite site, string exception, string reason, int count, TimeSpan age) => DeadLetterPages.PutAsync(
        site.System.VirtualHost, DeadLetterSite.Errors, """{"email":"someone@example.com"}""", exception, reason, count: count, at: DateTimeOffset.UtcNow - age);

    private static ILocator Row(Visit visit, string text) => visit.Page.Locator("tr[data-row]").Filter(new LocatorFilterOptions { HasText = text });
}
