using System.Net;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>The page where operators make tokens for programs.</summary>
[Trait("broker", "any")] // tests a catalogue without a broker
public sealed class ApiTokenPageTests(Browser browser) : AtThePages(browser)
{
    private const string Tokens = "/dead-letters/tokens";

    [Theory]
    [InlineData(ColorScheme.Light, 360)]
    [InlineData(ColorScheme.Dark, 1280)]
    public async Task Token_is_made_shown_once_used_by_a_program_and_revoked(ColorScheme scheme, int width)
    {
        await using var site = await CatalogueSite.StartAsync();
        var visit = await VisitAsync(scheme, width, at: site.Address);
        await visit.Page.GotoAsync(Tokens);
        await visit.ShouldLookRightAsync();
        await SaveAsync(visit, "tokens-none", width);
        await visit.Page.GetByLabel("Name of the program").FillAsync("deploy-bot");
        await visit.Page.GetByLabel("Expires after days").FillAsync("soon");
        await visit.ClickAsync("Create token");
        await Assertions.Expect(visit.Notice).ToContainTextAsync("is not a number of days");
        await visit.ShouldLookRightAsync();

        await visit.Page.GetByLabel("Name of the program").FillAsync("deploy-bot");
        await visit.Page.GetByLabel("Scope").SelectOptionAsync("operate");
        await visit.ClickAsync("Create token");

        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Token of deploy-bot" })).ToBeVisibleAsync();
        await Assertions.Expect(visit.Status).ToContainTextAsync("Copy it now");
        var secret = await visit.Page.Locator("code.token").TextContentAsync();
        secret.ShouldNotBeNull().ShouldStartWith("wdl_");
        await visit.ShouldLookRightAsync();
        await SaveAsync(visit, "token-made", width);
        using var program = new ApiClient(site.Address, secret);
        (await program.GetAsync("audit")).Status.ShouldBe(HttpStatusCode.OK);

        await visit.Page.GotoAsync(Tokens);
        (await visit.Page.ContentAsync()).ShouldNotContain(secret);
        var row = visit.Page.GetByRole(AriaRole.Row, new PageGetByRoleOptions { Name = "deploy-bot" });
        await Assertions.Expect(row).ToContainTextAsync("active");
        await visit.ClickAsync("Revoke");
        await Assertions.Expect(row).ToContainTextAsync("revoked by Erin");
        await visit.ShouldLookRightAsync();
        (await row.GetByText("operate").EvaluateAsync<int>("cell => { const text = document.createRange(); text.selectNodeContents(cell); return text.getClientRects().length; }")).ShouldBe(1); // the word is not broken
        await SaveAsync(visit, "token-revoked", width);
        (await program.GetAsync("audit")).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static Task SaveAsync(Visit visit, string name, int width) => visit.ScreenshotAsync(Path.Combine(Directory.CreateDirectory(Browser.Screenshots).FullName, $"{name}-{width}.png"));
}
