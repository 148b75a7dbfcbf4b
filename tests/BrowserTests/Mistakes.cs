using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

public sealed class Mistakes(Browser browser)
{
    [Fact]
    public async Task An_empty_form_names_both_fields_and_leads_to_them()
    {
        await using var visit = await browser.VisitAsync();
        await visit.OpenFormAsync();
        await visit.SendAsync("", "");

        await Assertions.Expect(visit.Email).ToHaveAttributeAsync("aria-invalid", "true");
        await Assertions.Expect(visit.Thought).ToHaveAttributeAsync("aria-invalid", "true");
        var notice = visit.Page.GetByRole(AriaRole.Alert);
        (await notice.GetByRole(AriaRole.Link).CountAsync()).ShouldBe(2);
        await notice.GetByRole(AriaRole.Link).Last.ClickAsync();
        await Assertions.Expect(visit.Thought).ToBeFocusedAsync();
    }

    [Theory]
    [InlineData("jane at example.com", "a thought that must not be lost")]
    [InlineData("jane@example.com, joe@example.com", "two at once")]
    [InlineData("Jane <jane@example.com>", "שלום 😀 <script>")]
    public async Task A_bad_address_is_named_and_the_text_is_kept(string email, string thought)
    {
        await using var visit = await browser.VisitAsync();
        await visit.OpenFormAsync();
        await visit.SendAsync(email, thought);

        await Assertions.Expect(visit.Email).ToHaveAttributeAsync("aria-describedby", "email-error");
        await Assertions.Expect(visit.Email).ToHaveValueAsync(email);
        await Assertions.Expect(visit.Thought).ToHaveValueAsync(thought);
        visit.ShouldBeUntroubled();
    }

    [Fact]
    public async Task A_thought_that_is_too_long_is_kept_and_mended()
    {
        await using var visit = await browser.VisitAsync();
        await visit.OpenFormAsync();
        await visit.SendAsync("long@example.com", "\n" + new string('x', 500));

        await Assertions.Expect(visit.Page.Locator("#thought-error")).ToContainTextAsync("it has 501");
        await Assertions.Expect(visit.Thought).ToHaveValueAsync("\n" + new string('x', 500));
        await visit.SendAsync("long@example.com", new string('x', 500));
        await browser.SeeMailToAsync("long@example.com");
    }
}
