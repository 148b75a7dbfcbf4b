using System.Net;
using System.Text.Json.Nodes;
using WorkinIt.Testbed;
using static WorkinIt.Tests.OpenId.OpenIdServers;

namespace WorkinIt.Tests.OpenId;

/// <summary>Who gets in with OpenID Connect, what they may do, and the sign-out.</summary>
public sealed class OpenIdSignInTests(OpenIdServers servers) : IClassFixture<OpenIdServers>
{
    private const string Replay = Board + "/queues/orders_error/replay";

    [Fact]
    public async Task Member_of_a_view_group_views_at_each_instance_and_can_not_act()
    {
        var (client, entered) = await servers.SignInAsync(NewUser(), ["everybody", Viewers], Board + "/audit");
        entered.Location.ShouldBe(Board + "/audit");
        using var atOther = client.CopyTo(servers.Other);

        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await atOther.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await client.PostAsync(Replay, ("which", "all"))).ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.Forbidden), it => it.Text.ShouldContain($"That needs the group “{Operators}”"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Member_of_an_operate_group_views_and_acts_also_if_only_the_user_info_endpoint_has_the_groups(bool hidden)
    {
        servers.Issuer.HidesGroups = hidden;
        var name = NewUser();
        var (client, _) = await servers.SignInAsync(name, [Operators]);
        servers.Issuer.HidesGroups = false;

        (await client.GetAsync(Board)).Text.ShouldContain(name);
        (await client.PostAsync(Replay, ("which", "all"))).Status.ShouldNotBe(HttpStatusCode.Forbidden);
        (await client.PostWithoutTokenAsync(Replay, ("which", "all"))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData]
    [InlineData("everybody")]
    [InlineData("Support")]
    public async Task User_in_no_group_gets_a_page_that_names_the_groups_and_no_session(params string[] groups)
    {
        var (client, entered) = await servers.SignInAsync(NewUser(), groups);

        entered.ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.Forbidden),
            it => it.Text.ShouldContain($"To view dead letters, you need the group “{Viewers}”"),
            it => it.Text.ShouldContain($"To also replay, edit and discard them, you need the group “{Operators}”"));
        (await client.GetAsync(Board)).ShouldLeadToSignIn();
    }

    [Fact]
    public async Task User_who_cancels_at_the_issuer_is_not_signed_in()
    {
        using var client = new PageClient(servers.One);

        (await client.GetAsync(await servers.Issuer.OpenAsync(await StartAsync(client), ""))).ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.BadRequest), it => it.Text.ShouldContain("The sign-in did not complete"));
        (await client.GetAsync(Board)).ShouldLeadToSignIn();
    }

    [Fact]
    public async Task Answer_of_the_issuer_signs_in_only_the_browser_that_asked_and_only_unchanged()
    {
        using var client = new PageClient(servers.One);
        servers.Issuer.SetGroups("mallory", Operators);
        var answer = await servers.Issuer.OpenAsync(await StartAsync(client), "mallory");

        foreach (var forged in new[] { answer.Replace("state=", "state=x", StringComparison.Ordinal), answer.Replace("code=", "code=x", StringComparison.Ordinal) })
            (await client.GetAsync(forged)).Status.ShouldBe(HttpStatusCode.BadRequest);
        using var victim = new PageClient(servers.One);
        (await victim.GetAsync(answer)).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await victim.GetAsync(Board)).ShouldLeadToSignIn();
        (await client.GetAsync(Board)).ShouldLeadToSignIn();
    }

    [Theory]
    [InlineData("//evil.example.com")]
    [InlineData("https://evil.example.com/dead-letters")]
    [InlineData("/dead-letters\\evil")]
    public async Task Sign_in_leads_to_a_page_of_the_server_only(string back)
    {
        using var client = new PageClient(servers.One);
        servers.Issuer.SetGroups("erin", Viewers);
        var start = (await client.GetAsync($"{Board}/sign-in/start?returnUrl={Uri.EscapeDataString(back)}")).Location!;

        (await client.GetAsync(await servers.Issuer.OpenAsync(start, "erin"))).Location.ShouldBe(Board);
    }

    [Fact]
    public async Task RabbitMQ_user_can_not_sign_in_beside_the_issuer()
    {
        using var client = new PageClient(servers.One);

        (await client.SignInAsync("operator")).Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    public async Task Sign_in_while_the_issuer_does_not_answer_gets_a_page_that_says_so()
    {
        await using var app = await servers.StartAsync("openid", new Uri("http://127.0.0.1:1"));
        using var client = new PageClient(new Uri(app.Urls.First()));

        (await client.GetAsync(Board + "/sign-in/start")).ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.ServiceUnavailable), it => it.Text.ShouldContain("The sign-in service does not answer"), it => it.RetryAfter.ShouldBe("10"));
        await app.StopAsync();
    }

    [Fact]
    public async Task Sign_out_ends_the_session_at_each_instance_and_at_the_issuer()
    {
        var name = NewUser();
        var (client, _) = await servers.SignInAsync(name, [Viewers]);
        await client.GetAsync(Board);
        using var atOne = client.CopyTo(servers.One);
        using var atOther = client.CopyTo(servers.Other);
        (await client.PostWithoutTokenAsync(Board + "/sign-out")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await atOther.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);

        var page = await client.PostAsync(Board + "/sign-out");

        foreach (var copy in new[] { atOne, atOther })
            (await copy.GetAsync(Board)).ShouldLeadToSignIn();
        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Text.ShouldContain("If its page does not open, you are still signed in there");
        var issuer = page.Link("id_token_hint=");
        issuer.ShouldStartWith(servers.Issuer.Address.ToString());
        var back = await client.GetAsync(await servers.Issuer.OpenAsync(issuer, name)); // the issuer checks the hint
        (await client.GetAsync(back.Location!)).Text.ShouldContain("You are signed out");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sign_out_says_that_the_issuer_may_not_have_signed_the_user_out_if_it_has_no_sign_out_or_does_not_answer(bool answers)
    {
        const string configuration = "/.well-known/openid-configuration";
        var (client, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        using var issuer = new PageClient(servers.Issuer.Address);
        var without = JsonNode.Parse((await issuer.GetAsync(configuration)).Html)!.AsObject();
        without.Remove("end_session_endpoint").ShouldBeTrue();
        servers.Issuer.Proxied[configuration] = ("application/json", without.ToJsonString());
        await using var app = await servers.StartAsync("openid profile", answers ? null : new Uri("http://127.0.0.1:1"));
        using var there = client.CopyTo(new Uri(app.Urls.First()));
        await there.GetAsync(Board);

        var page = await there.PostAsync(Board + "/sign-out");

        servers.Issuer.Proxied.Clear();
        page.ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.OK),
            it => it.Text.ShouldContain("You may still be signed in at the sign-in service (127.0.0.1)"),
            it => it.Text.ShouldContain("Sign out there too, or close all windows of this browser"),
            it => it.Html.ShouldNotContain("http-equiv"));
        (await client.GetAsync(Board)).ShouldLeadToSignIn();
        await app.StopAsync();
    }
}
