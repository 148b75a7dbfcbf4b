using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary><c>workinit dead-letters serve</c> in a browser.</summary>
public sealed class ServeTests(Browser browser) : AtThePages(browser)
{
    [Fact]
    public async Task Link_on_a_page_of_another_site_opens_the_board_once_and_the_board_fits_a_phone_and_a_desk()
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        var fill = new DeadLetterFill(virtualHost);
        await fill.DeclareAsync(queues: 3);
        await fill.PublishToAsync(DeadLetterFill.LargestQueue, 40, outstanding: 40);
        await using var serve = ServeProcess.Start(
            new Dictionary<string, string>(), "--broker", virtualHost.ConnectionString("operator"), "--management", broker.Management.BaseAddress!.ToString(), "--port", "0", "--no-browser");
        var link = await serve.SeeLinkAsync();
        var visit = await VisitAsync(width: 1280);
        await visit.Page.SetContentAsync($"<h1>A terminal in a browser</h1><a href=\"{link}\">link</a>"); // the browser sends no SameSite=Strict cookie from here

        await visit.Page.GetByRole(AriaRole.Link).ClickAsync();

        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Board");
        visit.Page.Url.ShouldBe($"{link.GetLeftPart(UriPartial.Authority)}/dead-letters");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("Dead letters40"); // without a reload
        foreach (var width in new[] { 1280, 360 })
        {
            await visit.Page.SetViewportSizeAsync(width, 800);
            await visit.ShouldLookRightAsync();
            (await visit.Page.EvaluateAsync<double>("Math.max(...[...document.querySelectorAll('header nav a')].map(link => link.getBoundingClientRect().height))")).ShouldBeLessThanOrEqualTo(40); // one line: no word is broken
            await SaveAsync(visit, $"serve-{width}");
        }

        var other = await VisitAsync(width: 360);
        await other.Page.GotoAsync(link.ToString());
        await Assertions.Expect(other.Heading).ToHaveTextAsync("This browser has no access");
        await other.ShouldLookRightAsync();
        await SaveAsync(other, "serve-no-access-360");
    }

    private static Task SaveAsync(Visit visit, string name) => visit.ScreenshotAsync(Path.Combine(Directory.CreateDirectory(Browser.Screenshots).FullName, $"{name}.png"));
}
