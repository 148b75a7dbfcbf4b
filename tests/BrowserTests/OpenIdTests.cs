using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>The standalone server in a browser, with the sign-in of an issuer of OpenID Connect.</summary>
public sealed class OpenIdTests(Browser browser) : AtThePages(browser)
{
    private const string Board = "/dead-letters";

    [Fact]
    public async Task Users_sign_in_at_the_issuer_view_or_act_by_their_groups_and_sign_out()
    {
        var folder = Directory.CreateTempSubdirectory("openid-browser-");
        try
        {
            await WalkAsync(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task WalkAsync(string folder)
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        var fill = new DeadLetterFill(virtualHost);
        await fill.DeclareAsync(queues: 1);
        await fill.PublishToAsync(DeadLetterFill.LargestQueue, 3, outstanding: 3);
        await using var issuer = await OpenIdIssuer.StartAsync();
        issuer.SetGroups("vera", "support");
        issuer.SetUserName("vera", "vera.v");
        issuer.SetGroups("oli", "on call");
        await using var server = new ServiceProcess("DeadLetters.Server", Settings(folder, broker, virtualHost, issuer));
        await server.StartAsync();

        var viewer = await SignInAsync(server, "vera");
        await Assertions.Expect(viewer.Heading).ToHaveTextAsync("Board");
        await Assertions.Expect(viewer.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("Dead letters3");
        await Assertions.Expect(viewer.Page.GetByRole(AriaRole.Banner)).ToContainTextAsync("vera.v");
        (await viewer.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Replay" }).CountAsync()).ShouldBe(0);
        await LookAsync(viewer, "openid-board");
        await viewer.PostAsync(() => viewer.Page.EvaluateAsync("() => { const form = document.createElement('form'); form.method = 'post'; form.action = '/dead-letters/queues/orders_error/replay'; document.body.append(form); form.submit(); }"));
        await Assertions.Expect(viewer.Heading).ToHaveTextAsync("Not allowed");
        await Assertions.Expect(viewer.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("That needs the group “on call”");
        await LookAsync(viewer, "openid-not-allowed");
        await viewer.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Back to the board" }).ClickAsync();
        await Assertions.Expect(viewer.Heading).ToHaveTextAsync("Board");

        var operatorVisit = await SignInAsync(server, "oli");
        await operatorVisit.Page.Locator("[data-replay]").First.ClickAsync();
        await operatorVisit.SeeHeadingAsync("Replay");

        var stranger = await SignInAsync(server, "nina");
        await Assertions.Expect(stranger.Heading).ToHaveTextAsync("You have no access");
        await LookAsync(stranger, "openid-no-access");

        await viewer.ClickAsync("Sign out");
        await Assertions.Expect(viewer.Heading).ToHaveTextAsync("You are signed out");
        await LookAsync(viewer, "openid-signed-out");
        (await viewer.Page.Context.CookiesAsync()).Select(cookie => cookie.Name).ShouldNotContain("WorkinIt.Operator");
    }

    private async Task<Visit> SignInAsync(ServiceProcess server, string user)
    {
        var visit = await VisitAsync(width: 1280, at: server.Address);
        await visit.Page.SetExtraHTTPHeadersAsync([new("X-User", user)]); // the issuer's users sign in by this header
        await visit.Page.GotoAsync(Board);
        return visit;
    }

    private static async Task LookAsync(Visit visit, string name)
    {
        foreach (var width in new[] { 1280, 360 })
        {
            await visit.Page.SetViewportSizeAsync(width, 800);
            await visit.ShouldLookRightAsync();
            await visit.ScreenshotAsync(Path.Combine(Directory.CreateDirectory(Browser.Screenshots).FullName, $"{name}-{width}.png"));
        }
    }

    private static Dictionary<string, string> Settings(string folder, TestBroker broker, TestVirtualHost virtualHost, OpenIdIssuer issuer) => new()
    {
        ["ConnectionStrings__DeadLetters"] = virtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
        ["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(folder, "catalogue.db")}",
        ["DataProtection__KeysDirectory"] = Path.Combine(folder, "keys"),
        ["OpenIdConnect__Authority"] = issuer.Address.ToString(),
        ["OpenIdConnect__ClientId"] = OpenIdIssuer.ClientId,
        ["OpenIdConnect__ClientSecret"] = OpenIdIssuer.ClientSecret,
        ["OpenIdConnect__Scopes"] = "openid profile",
        ["OpenIdConnect__ViewGroups"] = "support",
        ["OpenIdConnect__OperateGroups"] = "on call",
    };
}
