using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>The unsubscribe link in a mail, the page that it opens, and the result for the next submission to that address.</summary>
[Trait("broker", "any")] // tests pages
public sealed class UnsubscribeTests(Browser browser) : AtThePages(browser)
{
    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Unsubscribing_by_the_link_in_the_mail_and_undoing_it_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var address = $"never-{scheme}-{width}@example.com";
        var path = await LinkInMailAsync(address);
        var visit = await VisitAsync(scheme, width);
        await visit.Page.GotoAsync(path);
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Unsubscribe?");
        await LooksRightAsync("never-again");

        await PressAsync(visit, "Unsubscribe");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("You are unsubscribed");
        await LooksRightAsync("never-again-done");

        var blocked = await WorkinItSystem.SubmitAsync(Browser.Web, address, "once more");
        await Eventually.SeeAsync(async () => (await WorkinItSystem.StatusAsync(Browser.Web, blocked)).State, seen => seen == "failed", "a submission to an unsubscribed address in state failed");
        var otherVisit = await VisitAsync(scheme, width);
        await otherVisit.Page.GotoAsync($"/submissions/{blocked}");
        await Assertions.Expect(otherVisit.Heading).ToHaveTextAsync("It was not sent");
        await Assertions.Expect(otherVisit.Status).ToContainTextAsync("This address doesn’t accept mail from us");
        await otherVisit.ShouldLookRightAsync();
        if (width == 320)
            await otherVisit.StateAsync("failed-blocked", scheme);

        await PressAsync(visit, "Allow mail again");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("You can get mail again");
        await LooksRightAsync("never-again-undone");

        (await visit.Page.GotoAsync(path[..^1]))!.Status.ShouldBe(404);
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("This link is incomplete");
        await LooksRightAsync("never-again-404");

        async Task LooksRightAsync(string state)
        {
            await visit.ShouldLookRightAsync();
            if (width == 320)
                await visit.StateAsync(state, scheme);
        }
    }

    [Fact]
    public async Task Unsubscribing_works_without_JavaScript()
    {
        var visit = await VisitAsync(script: false);
        await visit.Page.GotoAsync(await LinkInMailAsync("never-scripted@example.com"));
        await PressAsync(visit, "Unsubscribe");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("You are unsubscribed");
        await PressAsync(visit, "Allow mail again");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("You can get mail again");
    }

    /// <summary>Returns only the path of the link, because the Web of these tests is not at <c>OptOut__Url</c>.</summary>
    private async Task<string> LinkInMailAsync(string address)
    {
        await WorkinItSystem.SubmitAsync(Browser.Web, address, "a thought too many");
        var reader = await VisitAsync();
        await reader.ReadMailAsync(await Browser.SeeMailToAsync(address));
        var link = reader.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Unsubscribe" });
        return new Uri((await link.GetAttributeAsync("href"))!).AbsolutePath;
    }

    private static Task PressAsync(Visit visit, string button) => visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = button, Exact = true }).ClickAsync();
}
