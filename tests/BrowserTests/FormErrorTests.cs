using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

[Trait("broker", "any")] // tests the form
public sealed class FormErrorTests(Browser browser) : AtThePages(browser)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Empty_form_names_both_fields_and_links_to_them_with_and_without_JavaScript(bool script)
    {
        var visit = await VisitAsync(script: script);
        await visit.OpenFormAsync();
        (await visit.SendAsync("", "")).ShouldBe(400);

        (await visit.Page.TitleAsync()).ShouldStartWith("Please check");
        foreach (var (field, id, link) in new[] { (visit.Email, "email", "Enter the e-mail address"), (visit.Thought, "thought", "Enter a thought") })
        {
            await Assertions.Expect(field).ToHaveAttributeAsync("aria-invalid", "true");
            await Assertions.Expect(field).ToHaveAccessibleDescriptionAsync(new Regex($"^{link}"));
            await visit.Notice.GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = link }).ClickAsync();
            await Assertions.Expect(field).ToBeFocusedAsync();
            visit.Page.Url.ShouldEndWith($"#{id}");
        }
        await Assertions.Expect(visit.Notice.GetByRole(AriaRole.Link)).ToHaveCountAsync(2);
        visit.ShouldBeUntroubled();
    }

    [Theory]
    [InlineData("jane at example.com", "a thought that must not be lost")]
    [InlineData("jane@example.com, joe@example.com", "two at once")]
    [InlineData("Jane <jane@example.com>", "שלום 😀 <script>")]
    [InlineData("jane@example.com", "")]
    public async Task Only_the_invalid_form_field_is_marked_and_the_typed_text_is_kept(string email, string thought)
    {
        var visit = await VisitAsync();
        await visit.OpenFormAsync();
        (await visit.SendAsync(email, thought)).ShouldBe(400);

        var (wrong, right) = thought.Length > 0 ? (visit.Email, visit.Thought) : (visit.Thought, visit.Email);
        await Assertions.Expect(wrong).ToHaveAttributeAsync("aria-invalid", "true");
        (await right.GetAttributeAsync("aria-invalid")).ShouldBeNull();
        await Assertions.Expect(visit.Notice.GetByRole(AriaRole.Link)).ToHaveCountAsync(1);
        await Assertions.Expect(visit.Email).ToHaveValueAsync(email);
        await Assertions.Expect(visit.Thought).ToHaveValueAsync(thought);
        visit.ShouldBeUntroubled();
    }

    [Fact]
    public async Task Thought_that_is_too_long_is_kept_in_the_form_and_can_be_corrected()
    {
        var visit = await VisitAsync();
        await visit.OpenFormAsync();
        (await visit.SendAsync("long@example.com", "\n" + new string('x', 500))).ShouldBe(400);

        await Assertions.Expect(visit.Thought).ToHaveAttributeAsync("aria-invalid", "true");
        await Assertions.Expect(visit.Page.Locator("#thought-error")).ToContainTextAsync("it has 501");
        await Assertions.Expect(visit.Email).ToHaveValueAsync("long@example.com");
        await Assertions.Expect(visit.Thought).ToHaveValueAsync("\n" + new string('x', 500));
        (await visit.SendAsync("long@example.com", new string('x', 500))).ShouldBe(303);
        await Browser.SeeMailToAsync("long@example.com");
    }
}
