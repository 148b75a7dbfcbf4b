using System.Net;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.Testbed;
using static WorkinIt.Tests.OpenId.OpenIdServers;

namespace WorkinIt.Tests.OpenId;

/// <summary>The HTTP API of the standalone server: its users, and its settings.</summary>
public sealed class ServerApiTests(OpenIdServers servers) : IClassFixture<OpenIdServers>
{
    private const string Audit = OpenIdServers.Board + "/api/v1/audit";

    [Fact]
    public async Task User_whose_rights_can_not_be_checked_is_asked_to_try_again_and_not_to_sign_in()
    {
        var (client, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        servers.Issuer.IsDown = true;
        servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1));

        var answer = await client.GetAsync(Audit);
        var page = await client.GetAsync(OpenIdServers.Board);

        servers.Issuer.IsDown = false;
        answer.ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.ServiceUnavailable), it => it.RetryAfter.ShouldBe("10"), it => it.Html.ShouldContain("Your rights can’t be checked"));
        page.ShouldSatisfyAllConditions(it => it.Status.ShouldBe(HttpStatusCode.ServiceUnavailable), it => it.RetryAfter.ShouldBe("10"));
        (await client.GetAsync(Audit)).Status.ShouldBe(HttpStatusCode.OK);
        using var nobody = new PageClient(servers.One);
        (await nobody.GetAsync(Audit)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Token_may_send_as_many_requests_as_the_setting_allows()
    {
        await using var app = await servers.StartAsync("openid", settings: ("DeadLetters:TokenRequestsPerMinute", "2"));
        await app.Services.GetRequiredService<CatalogueDatabase>().Store;
        var (_, secret) = await app.Services.GetRequiredService<TokenStore>().MakeAsync("deploy-bot", TokenScope.View, "Erin", null, CancellationToken.None);
        using var program = new ApiClient(new Uri(app.Urls.First()), secret);

        var statuses = new List<HttpStatusCode>();
        for (var request = 0; request < 3; request++)
            statuses.Add((await program.GetAsync("audit")).Status);

        statuses.ShouldBe([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests]);
        await app.StopAsync();
    }
}
