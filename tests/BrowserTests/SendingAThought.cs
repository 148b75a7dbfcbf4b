using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

public sealed class SendingAThought(Browser browser)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Brings_the_mail_with_its_gif_with_and_without_javascript(bool script)
    {
        var recipient = $"jane{script}@example.com".ToLowerInvariant();
        await using var visit = await browser.VisitAsync(script: script, width: 640, height: 620);
        await visit.OpenFormAsync();
        await visit.Email.FillAsync(recipient);
        await visit.Thought.FillAsync("Monday morning, and no coffee left");
        await visit.PictureAsync("form");
        await visit.SendAsync(recipient, "Monday morning, and no coffee left");

        visit.Page.Url.ShouldContain("/submissions/");
        var mail = await browser.SeeMailToAsync(recipient);
        await Eventually.SeeAsync(
            async () =>
            {
                await visit.Page.ReloadAsync();
                return await visit.Heading.TextContentAsync();
            },
            heading => heading == "Sent",
            "the page says sent");
        await visit.PictureAsync("submission");
        visit.ShouldBeUntroubled();

        await using var reader = await browser.VisitAsync(width: 560, height: 640);
        await reader.Page.GotoAsync($"{browser.Catcher}api/email/{mail}/html");
        (await reader.Page.Locator(".thought").TextContentAsync()).ShouldBe("Monday morning, and no coffee left");
        var gif = reader.Page.GetByRole(AriaRole.Img);
        (await gif.EvaluateAsync<int>("image => image.decode().then(() => image.naturalWidth)")).ShouldBeGreaterThan(100);
        (await gif.GetAttributeAsync("alt")).ShouldNotBeNullOrEmpty();
        await reader.ShouldNotScrollSidewaysAsync();
        await reader.PictureAsync("mail");

        await using var night = await browser.VisitAsync(ColorScheme.Dark, width: 320, height: 560);
        await night.Page.GotoAsync($"{browser.Catcher}api/email/{mail}/html");
        await night.Page.GetByRole(AriaRole.Img).EvaluateAsync("image => image.decode()");
        await night.ShouldNotScrollSidewaysAsync();
        await night.PictureAsync("mail-dark");
    }

    [Fact]
    public async Task Works_by_keyboard_alone()
    {
        await using var visit = await browser.VisitAsync();
        await visit.OpenFormAsync();
        await visit.Page.Keyboard.PressAsync("Tab"); // the brand, a link
        await visit.Page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(visit.Email).ToBeFocusedAsync();
        (await visit.Email.EvaluateAsync<string>("field => getComputedStyle(field).outlineStyle")).ShouldBe("solid");
        await visit.Page.Keyboard.TypeAsync("keys@example.com");
        await visit.Page.Keyboard.PressAsync("Tab");
        await visit.Page.Keyboard.TypeAsync("no mouse today");
        await visit.Page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Send me a GIF" })).ToBeFocusedAsync();
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.ShouldArriveAsync();
        await browser.SeeMailToAsync("keys@example.com");
    }

    [Fact]
    public async Task A_double_click_sends_nothing_twice()
    {
        var recipient = $"{Guid.NewGuid():N}@example.com";
        await using var visit = await browser.VisitAsync();
        await visit.OpenFormAsync();
        await visit.Email.FillAsync(recipient);
        await visit.Thought.FillAsync("click");
        await visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Send me a GIF" }).DblClickAsync();
        await visit.ShouldArriveAsync();
        await browser.SeeMailToAsync(recipient); // one, or it throws
        await browser.System.SeeReadyAsync("send-gif-email", 0);
        await browser.SeeMailToAsync(recipient);
    }
}
