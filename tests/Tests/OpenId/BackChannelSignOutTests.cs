using System.Net;
using WorkinIt.Testbed;
using static WorkinIt.Tests.OpenId.OpenIdServers;

namespace WorkinIt.Tests.OpenId;

/// <summary>The issuer notifies the server that a user has signed out elsewhere.</summary>
public sealed class BackChannelSignOutTests(OpenIdServers servers) : IClassFixture<OpenIdServers>
{
    private const string Path = Board + "/sign-out/back-channel";

    private static readonly Dictionary<string, object> _event = new() { ["http://schemas.openid.net/event/backchannel-logout"] = new Dictionary<string, object>() };

    [Fact]
    public async Task Session_that_the_issuer_names_ends_at_each_instance_and_another_one_of_the_user_goes_on()
    {
        var name = NewUser();
        var (client, session) = await SignInAsync(name);
        var (another, _) = await SignInAsync(name);
        using var atOther = client.CopyTo(servers.Other);

        (await SendAsync(new() { ["events"] = _event, ["sub"] = name, ["sid"] = session })).Status.ShouldBe(HttpStatusCode.OK);

        (await client.GetAsync(Board)).ShouldLeadToSignIn();
        (await atOther.GetAsync(Board)).ShouldLeadToSignIn();
        (await another.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_a_session_all_sessions_of_the_user_end_and_those_of_others_go_on()
    {
        var name = NewUser();
        var (client, _) = await SignInAsync(name);
        var (again, _) = await SignInAsync(name);
        var (neighbour, _) = await SignInAsync(NewUser());

        (await SendAsync(new() { ["events"] = _event, ["sub"] = name })).Status.ShouldBe(HttpStatusCode.OK);

        (await client.GetAsync(Board)).ShouldLeadToSignIn();
        (await again.GetAsync(Board)).ShouldLeadToSignIn();
        (await neighbour.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("another key")]
    [InlineData("another client")]
    [InlineData("another issuer")]
    [InlineData("no event")]
    [InlineData("an ID token")]
    [InlineData("an old token")]
    [InlineData("nobody")]
    [InlineData("no token")]
    public async Task Forged_or_foreign_token_is_refused_and_ends_nothing(string what)
    {
        var name = NewUser();
        var (client, session) = await SignInAsync(name);
        Dictionary<string, object> claims = new() { ["events"] = _event, ["sub"] = name, ["sid"] = session };
        switch (what)
        {
            case "another client":
                claims["aud"] = "other";
                break;
            case "another issuer":
                claims["iss"] = "http://issuer.example.com/";
                break;
            case "no event":
                claims.Remove("events");
                break;
            case "an ID token":
                claims["nonce"] = "n";
                break;
            case "an old token":
                claims["iat"] = DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds();
                break;
            case "nobody":
                claims.Remove("sub");
                claims.Remove("sid");
                break;
        }

        var answer = what == "no token" ? await PostAsync("") : await SendAsync(claims, forged: what == "another key");

        answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        answer.Html.ShouldContain("invalid_request");
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
    }

    private Task<Answer> SendAsync(Dictionary<string, object> claims, bool forged = false) => PostAsync(servers.Issuer.Sign(claims, forged));

    private async Task<Answer> PostAsync(string token)
    {
        using var issuer = new PageClient(servers.Other);
        return await issuer.PostWithoutTokenAsync(Path, ("logout_token", token));
    }

    private async Task<(PageClient Client, string Session)> SignInAsync(string name)
    {
        var (client, _) = await servers.SignInAsync(name, [Viewers]);
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        return (client, servers.Issuer.LastSession);
    }
}
