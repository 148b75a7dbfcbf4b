using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

[Trait("broker", "any")] // tests pages and mails; EndToEndTests covers the broker on each version
public sealed partial class SubmissionTests(Browser browser) : AtThePages(browser)
{
    private const string Thought = "Monday morning, and no coffee left";

    [Fact]
    public async Task Submitted_thought_arrives_as_a_mail_with_its_GIF()
    {
        var visit = await VisitAsync(width: 640);
        await visit.OpenFormAsync();
        await visit.Email.FillAsync("jane@example.com");
        await visit.Thought.FillAsync(Thought);
        await visit.Thought.BlurAsync();
        await visit.PictureAsync("form", height: 650);
        (await visit.SendAsync("jane@example.com", Thought)).ShouldBe(303);

        // The page updates automatically and shows the mailed GIF.
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Sent", new LocatorAssertionsToHaveTextOptions { Timeout = 60_000 });
        await SeeGifAsync(visit);
        await Assertions.Expect(visit.Page.Locator(".lesson")).ToHaveTextAsync(Lesson());
        await Assertions.Expect(visit.Page.Locator(".card")).ToContainTextAsync("To jane@example.com"); // the sender sees the address; others see it masked
        await visit.ShouldLookRightAsync();
        var mail = await Browser.SeeMailToAsync("jane@example.com");
        await visit.PictureAsync("submission", height: 700);
        visit.ShouldBeUntroubled();

        var reader = await VisitAsync(width: 560);
        await reader.ReadMailAsync(mail);
        (await reader.Page.Locator(".thought").TextContentAsync()).ShouldBe(Thought);
        await SeeGifAsync(reader);
        await reader.PictureAsync("mail", height: 640);

        var night = await VisitAsync(ColorScheme.Dark, width: 560);
        await night.ReadMailAsync(mail);
        await SeeGifAsync(night);
        await night.PictureAsync("mail-dark", height: 640);
    }

    [Fact]
    public async Task Submitting_a_thought_works_without_JavaScript()
    {
        var visit = await VisitAsync(script: false, width: 320);
        await visit.OpenFormAsync();
        (await visit.SendAsync("noscript@example.com", Thought)).ShouldBe(303);
        await Browser.SeeMailToAsync("noscript@example.com");
        await SeeSentAsync(visit);
        visit.ShouldBeUntroubled();
    }

    [Theory]
    [InlineData("Enter", ColorScheme.Light)]
    [InlineData("Space", ColorScheme.Dark)]
    public async Task Submitting_a_thought_works_by_keyboard_alone_including_errors(string press, ColorScheme scheme)
    {
        var recipient = $"{press}{scheme}@example.com";
        var visit = await VisitAsync(scheme);
        await visit.OpenFormAsync();

        await visit.TabToAsync(visit.Email);
        await visit.Email.ShouldShowFocusAsync();
        await visit.Page.Keyboard.TypeAsync("no address");
        await visit.TabToAsync(visit.Thought);
        await visit.Thought.ShouldShowFocusAsync();
        await visit.Page.Keyboard.TypeAsync("no mouse today");
        await visit.TabToAsync(visit.Button);
        await visit.Button.ShouldShowFocusAsync();
        await visit.Page.Keyboard.PressAsync(press);

        var link = visit.Notice.GetByRole(AriaRole.Link);
        await Assertions.Expect(link).ToBeVisibleAsync();
        await visit.TabToAsync(link);
        await link.ShouldShowFocusAsync();
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.Email.ShouldShowFocusAsync();
        await visit.Page.Keyboard.PressAsync("Control+A");
        await visit.Page.Keyboard.TypeAsync(recipient);
        await visit.TabToAsync(visit.Button);
        await visit.Page.Keyboard.PressAsync(press);

        await visit.SeeSubmissionAsync();
        await Browser.SeeMailToAsync(recipient);
        var another = visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Another thought" });
        await visit.TabToAsync(another);
        await another.ShouldShowFocusAsync();
        await visit.TabToAsync(visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "WorkinIt" }), "Shift+Tab");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(visit.Email).ToHaveValueAsync("");
    }

    [Fact]
    public async Task Double_click_on_the_submit_button_sends_one_mail()
    {
        var visit = await VisitAsync();
        await visit.OpenFormAsync();
        await visit.Email.FillAsync("twice@example.com");
        await visit.Thought.FillAsync("click");
        var id = await visit.Page.InputValueAsync("input[name=id]");
        await visit.Button.DblClickAsync();
        await visit.SeeSubmissionAsync(id);

        await SeeSentAsync(visit);
        await Browser.SeeMailToAsync("twice@example.com"); // fails if there is more than one
    }

    [GeneratedRegex(@"^Your request took \d+ ms; the mail took [\d.]+ m?s, and you didn’t wait for it\.$")]
    private static partial Regex Lesson();

    private static async Task SeeSentAsync(Visit visit) => await Eventually.SeeAsync(
        async () =>
        {
            await visit.Page.ReloadAsync();
            return await visit.Heading.TextContentAsync();
        },
        heading => heading == "Sent",
        "the heading Sent");

    private static async Task SeeGifAsync(Visit visit)
    {
        var gif = visit.Page.GetByRole(AriaRole.Img);
        (await gif.EvaluateAsync<int>("image => image.decode().then(() => image.naturalWidth)")).ShouldBeGreaterThan(100);
        (await gif.GetAttributeAsync("alt")).ShouldNotBeNullOrEmpty();
    }
}
