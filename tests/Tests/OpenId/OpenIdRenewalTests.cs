using System.Net;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Server.OpenId;
using WorkinIt.Testbed;
using static WorkinIt.Tests.OpenId.OpenIdServers;

namespace WorkinIt.Tests.OpenId;

/// <summary>How long a session with OpenID Connect lasts: as long as the issuer says, and no longer than a working shift.</summary>
public sealed class OpenIdRenewalTests(OpenIdServers servers) : IClassFixture<OpenIdServers>
{
    [Fact]
    public async Task Session_without_a_refresh_token_ends_with_the_token()
    {
        await using var app = await servers.StartAsync("openid profile");
        servers.Issuer.SetGroups("ann", Viewers);
        using var client = new PageClient(new Uri(app.Urls.First()));
        await client.GetAsync(await servers.Issuer.OpenAsync(await StartAsync(client), "ann"));
        servers.Time.Advance(OpenIdIssuer.Life - TimeSpan.FromMinutes(1));
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);

        servers.Time.Advance(TimeSpan.FromMinutes(2));

        (await client.GetAsync(Board)).ShouldLeadToSignIn();
        await app.StopAsync();
    }

    [Fact]
    public async Task Many_requests_at_both_instances_renew_an_expired_session_once()
    {
        var (client, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        using var atOther = client.CopyTo(servers.Other);
        var before = servers.Issuer.Renewals;
        servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1));

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(number => (number % 2 == 0 ? client : atOther).GetAsync(Board)));

        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK);
        servers.Issuer.Renewals.ShouldBe(before + 1);
        servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1)); // with the new refresh token
        (await atOther.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        servers.Issuer.Renewals.ShouldBe(before + 2);
    }

    [Fact]
    public async Task Session_ends_after_a_working_shift_also_if_it_can_be_renewed()
    {
        var (client, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        for (var hour = 1; hour < 8; hour++)
        {
            servers.Time.Advance(TimeSpan.FromHours(1));
            (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        }

        servers.Time.Advance(TimeSpan.FromHours(1));

        (await client.GetAsync(Board)).ShouldLeadToSignIn();
    }

    [Fact]
    public async Task User_who_left_a_group_has_lost_its_rights_at_the_renewal()
    {
        var name = NewUser();
        var (client, _) = await servers.SignInAsync(name, [Operators]);
        const string replay = Board + "/queues/orders_error/replay";
        await client.GetAsync(Board);
        (await client.PostAsync(replay, ("which", "all"))).Status.ShouldNotBe(HttpStatusCode.Forbidden);

        servers.Issuer.SetGroups(name, Viewers);
        servers.Time.Advance(OpenIdIssuer.Life);
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
        (await client.PostAsync(replay, ("which", "all"))).Status.ShouldBe(HttpStatusCode.Forbidden);

        servers.Issuer.SetGroups(name);
        servers.Time.Advance(OpenIdIssuer.Life);
        (await client.GetAsync(Board)).ShouldLeadToSignIn();
    }

    [Fact]
    public async Task User_goes_by_its_unique_name_and_keeps_it_until_the_session_ends()
    {
        var (user, name) = (NewUser(), NewUser());
        servers.Issuer.SetUserName(user, name);
        var (client, _) = await servers.SignInAsync(user, [Viewers]);
        (await client.GetAsync(Board)).Text.ShouldSatisfyAllConditions(it => it.ShouldContain(name), it => it.ShouldNotContain(user));

        servers.Issuer.SetUserName(user, NewUser());
        servers.Time.Advance(OpenIdIssuer.Life);

        (await client.GetAsync(Board)).Text.ShouldContain(name); // renewed
        (await client.GetAsync(Board)).Text.ShouldContain(name); // read from the database
    }

    [Fact]
    public async Task Session_outlasts_an_issuer_that_does_not_answer_and_waits_once_its_token_has_expired()
    {
        var (client, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        servers.Issuer.IsDown = true;
        servers.Time.Advance(OpenIdIssuer.Life - TimeSpan.FromSeconds(30)); // the renewal is due
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);

        servers.Time.Advance(TimeSpan.FromMinutes(1));
        (await client.GetAsync(Board)).ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.ServiceUnavailable), it => it.Text.ShouldContain("the sign-in service or the database does not answer"));

        servers.Issuer.IsDown = false;
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task User_keeps_session_and_rights_while_only_the_user_info_endpoint_fails()
    {
        var name = NewUser();
        var (client, _) = await servers.SignInAsync(name, [Viewers]);
        var before = servers.Issuer.Renewals;
        servers.Issuer.SetGroups(name);
        servers.Issuer.Proxied["/user"] = ("text/html", "<html>Bad gateway</html>");
        for (var hour = 1; hour <= 2; hour++) // the second renewal needs the refresh token that the first one got
        {
            servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1));
            (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
            servers.Issuer.Renewals.ShouldBe(before + hour);
        }

        servers.Issuer.Proxied.Clear();
        servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1));

        (await client.GetAsync(Board)).ShouldLeadToSignIn(); // in no group any more
        servers.Issuer.Renewals.ShouldBe(before + 3);
    }

    [Theory]
    [InlineData(Viewers, true)]
    [InlineData("everybody", false)]
    public async Task Signed_answer_of_the_user_info_endpoint_is_read_too(string group, bool goesOn)
    {
        var name = NewUser();
        servers.Issuer.HidesGroups = true;
        var (client, _) = await servers.SignInAsync(name, [Viewers]);
        servers.Issuer.Proxied["/user"] = ("application/jwt", servers.Issuer.Sign(new() { ["sub"] = name, ["groups"] = new[] { group } }));
        servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1));

        var answer = await client.GetAsync(Board);

        servers.Issuer.HidesGroups = false;
        servers.Issuer.Proxied.Clear();
        answer.Status.ShouldBe(goesOn ? HttpStatusCode.OK : HttpStatusCode.Redirect);
    }

    [Theory]
    [InlineData("text/html", "<html>Sign in to the network</html>")]
    [InlineData("text/html", "")]
    [InlineData("application/json", "{}")]
    public async Task Answer_that_is_not_the_issuers_is_as_none(string contentType, string body)
    {
        var (client, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        servers.Issuer.Proxied["/token"] = (contentType, body);
        servers.Time.Advance(OpenIdIssuer.Life + TimeSpan.FromMinutes(1));

        var answer = await client.GetAsync(Board);

        servers.Issuer.Proxied.Clear();
        answer.ShouldSatisfyAllConditions(
            it => it.Status.ShouldBe(HttpStatusCode.ServiceUnavailable), it => it.Text.ShouldContain("the sign-in service or the database does not answer"));
        (await client.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Renewal_that_takes_long_is_not_repeated_by_another_request_and_gives_up_in_time()
    {
        // Only the clock of the test ends its requests.
        await using var app = await servers.StartAsync("openid profile offline_access", change: services => services.Configure<OpenIdConnectOptions>(OpenIdSignIn.Scheme, openId => openId.BackchannelTimeout = TimeSpan.FromHours(1)));
        var (atOne, _) = await servers.SignInAsync(NewUser(), [Viewers]);
        using var client = atOne.CopyTo(new Uri(app.Urls.First()));
        servers.Time.Advance(OpenIdIssuer.Life - TimeSpan.FromSeconds(50)); // the renewal is due, and the session still valid
        var before = servers.Issuer.Held;
        var hold = servers.Issuer.Hold = new TaskCompletionSource();
        try
        {
            var slow = client.GetAsync(Board);
            await Eventually.SeeAsync(() => servers.Issuer.Held == before + 1, "the issuer has been asked");

            servers.Time.Advance(OpenIdRenewal.Longest - TimeSpan.FromSeconds(1));
            (await atOne.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.OK);
            servers.Issuer.Held.ShouldBe(before + 1);
            slow.IsCompleted.ShouldBeFalse();

            servers.Time.Advance(TimeSpan.FromSeconds(1));
            (await slow).Status.ShouldBe(HttpStatusCode.OK);
        }
        finally
        {
            servers.Issuer.Hold = null;
            hold.SetCanceled();
        }
        await app.StopAsync();
    }
}
