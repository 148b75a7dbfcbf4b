using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

[Trait("broker", "any")] // tests pages
public sealed class PageAccessibilityTests(Browser browser) : AtThePages(browser)
{
    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Submission_form_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        await visit.ShouldLookRightAsync();
        if (width == 320)
            await visit.StateAsync("form", scheme);
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Submission_form_with_errors_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        (await visit.SendAsync("", "")).ShouldBe(400);
        await visit.ShouldLookRightAsync();
        if (width == 320)
            await visit.StateAsync("form-400", scheme);
        (await visit.SendAsync(new string('m', 300) + "@example.com", new string('w', 501))).ShouldBe(400);
        await visit.ShouldLookRightAsync();
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Not_found_page_says_so_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        foreach (var path in new[] { $"/submissions/{Guid.CreateVersion7()}", "/submissions/1", "/nowhere" })
        {
            (await visit.Page.GotoAsync(path))!.Status.ShouldBe(404);
            await Assertions.Expect(visit.Heading).ToHaveTextAsync("Page not found");
            await visit.ShouldLookRightAsync();
        }
        if (width == 320)
            await visit.StateAsync("error-404", scheme);
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Go to the form" }).ClickAsync();
        await Assertions.Expect(visit.Email).ToBeVisibleAsync();
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Form_without_its_antiforgery_token_shows_an_accessible_page_that_fits_the_screen(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        await visit.Page.EvaluateAsync("document.querySelector('[name=__RequestVerificationToken]').remove()");
        (await visit.SendAsync("jane@example.com", "hello")).ShouldBe(400);
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("That didn’t work");
        await visit.ShouldLookRightAsync();
        if (width == 320)
            await visit.StateAsync("error-400", scheme);
    }

    // Not all of these errors can be provoked here, so the test opens the error pages directly.
    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Each_error_page_says_what_to_do_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        foreach (var (code, heading, advice) in new[]
        {
            (403, "Not allowed", "sign out and in again"), (413, "That was too much", "shorten it"), (429, "Slow down a little", "Wait a minute"), (500, "Something broke on our side", "Try again in a minute"),
        })
        {
            await visit.Page.GotoAsync($"/error/{code}");
            await Assertions.Expect(visit.Heading).ToHaveTextAsync(heading);
            await Assertions.Expect(visit.Page.Locator(".card")).ToContainTextAsync(advice);
            await visit.ShouldLookRightAsync();
            if (width == 320)
                await visit.StateAsync($"error-{code}", scheme);
        }
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Mail_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var recipient = $"mail{scheme}{width}@example.com";
        var visit = await VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        var thought = $"first line\n<b>second</b> 😀 שלום\n{new string('w', 60)}";
        (await visit.SendAsync(recipient, thought)).ShouldBe(303);

        var mail = await Browser.SeeMailToAsync(recipient);
        await visit.ReadMailAsync(mail);
        (await visit.Page.Locator(".thought").InnerTextAsync()).ShouldBe(thought);
        await visit.ShouldLookRightAsMailAsync();
        if (width == 320)
            await visit.StateAsync("mail", scheme);

        var withoutImages = await VisitAsync(scheme, width);
        await withoutImages.ReadMailAsync(mail, images: false);
        var gif = withoutImages.Page.GetByRole(AriaRole.Img);
        (await gif.GetAttributeAsync("alt")).ShouldNotBeNullOrEmpty();
        (await gif.EvaluateAsync<int>("image => image.naturalWidth")).ShouldBe(0);
        (await gif.BoundingBoxAsync())!.Height.ShouldBeGreaterThan(20); // a line of text
        (await gif.ContrastAsync()).ShouldBeGreaterThanOrEqualTo(4.5); // of the alternative text, which axe does not check
        await withoutImages.ShouldLookRightAsMailAsync();
        if (width == 320)
            await withoutImages.StateAsync("mail-without-images", scheme);
    }
}
