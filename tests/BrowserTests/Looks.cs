using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

public sealed class Looks(Browser browser) : AtThePages(browser)
{
    [Theory]
    [MemberData(nameof(Screens))]
    public async Task The_form_is_accessible_and_fits(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        await visit.ShouldLookRightAsync();
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task The_form_with_mistakes_is_accessible_and_fits(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        (await visit.SendAsync("", "")).ShouldBe(400);
        await visit.ShouldLookRightAsync();
        (await visit.SendAsync(new string('m', 300) + "@example.com", new string('w', 501))).ShouldBe(400);
        await visit.ShouldLookRightAsync();
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task A_page_that_is_not_there_says_so_is_accessible_and_fits(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        foreach (var path in new[] { $"/submissions/{Guid.CreateVersion7()}", "/submissions/1", "/nowhere" })
        {
            (await visit.Page.GotoAsync(path))!.Status.ShouldBe(404);
            await Assertions.Expect(visit.Heading).ToHaveTextAsync("Nothing here");
            await visit.ShouldLookRightAsync();
        }
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "To the form" }).ClickAsync();
        await Assertions.Expect(visit.Email).ToBeVisibleAsync();
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task The_mail_is_accessible_and_fits(ColorScheme scheme, int width)
    {
        var recipient = $"mail{scheme}{width}@example.com";
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        var thought = $"first line\n<b>second</b> 😀 שלום\n{new string('w', 200)}";
        (await visit.SendAsync(recipient, thought)).ShouldBe(303);

        await visit.ReadMailAsync(await Browser.SeeMailToAsync(recipient));
        (await visit.Page.Locator(".thought").InnerTextAsync()).ShouldBe(thought);
        await visit.ShouldLookRightAsMailAsync();
    }
}
