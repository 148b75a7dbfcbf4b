using System.Net;
using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A host that takes bearer tokens, as behind a proxy that signs users in. Who acts is in the audit log.</summary>
public sealed class BearerHostTests
{
    private static readonly SymmetricSecurityKey _key = new(Encoding.ASCII.GetBytes(new string('k', 32)));

    [Theory]
    [InlineData("Erin (4711)", "sub", "4711", "name", "Erin")]
    [InlineData("4711", "sub", "4711", null, null)]
    [InlineData("erin@example", "preferred_username", "erin@example", null, null)] // without sub
    [InlineData("client deploy-bot", "client_id", "deploy-bot", null, null)] // a program
    public async Task Operator_of_a_bearer_token_is_named(string by, string claim, string value, string? otherClaim, string? otherValue)
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(orders, AddBearer);
        using var client = new PageClient(host.Address);
        client.SendBearer(Token((claim, value), (otherClaim, otherValue)));
        await MountedHostTests.WalkAsync(orders, host, client: client, by: by);
    }

    [Fact]
    public async Task Token_without_any_name_may_look_and_is_refused_to_act_with_an_explanation()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await using var host = await MountedHost.StartAsync(orders, AddBearer);
        using var client = new PageClient(host.Address);
        client.SendBearer(Token());
        var page = await client.GetAsync("/dead-letters/queues/orders_error");
        page.Status.ShouldBe(HttpStatusCode.OK, page.Html);
        page.Text.ShouldContain("3 dead letters");
        page.Html.ShouldNotContain("/replay\"");

        var id = await client.FirstIdAsync("orders_error");
        await client.GetAsync($"/dead-letters/queues/orders_error/letters/{id}"); // its form reveals the message

        var refused = await client.PostAsync("/dead-letters/queues/orders_error/replay", ("which", "all"));

        refused.Status.ShouldBe(HttpStatusCode.Forbidden);
        refused.Text.ShouldContain("Your sign-in has no name");
        refused.Text.ShouldContain("sub");
        (await client.PostAsync($"/dead-letters/queues/orders_error/letters/{id}/reveal")).Status.ShouldBe(HttpStatusCode.Forbidden);
        await orders.SeeAsync(Orders.Error, 3);
        host.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task Form_still_works_when_the_proxy_has_renewed_a_token_without_sub()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await using var host = await MountedHost.StartAsync(orders, AddBearer);
        using var client = new PageClient(host.Address);
        client.SendBearer(Token(("preferred_username", "erin")));
        await client.GetAsync("/dead-letters/queues/orders_error");
        client.SendBearer(Token(("preferred_username", "erin")));
        (await client.PostAsync("/dead-letters/queues/orders_error/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.SeeOther);

        client.SendBearer(Token(("preferred_username", "sam"))); // another user with this one's form
        (await client.PostAsync("/dead-letters/queues/orders_error/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Request_without_a_token_gets_no_page()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(orders, AddBearer);
        using var client = new PageClient(host.Address);
        (await client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.Unauthorized);
        client.SendBearer("not.a.token");
        (await client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static void AddBearer(WebApplicationBuilder builder) => builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(options =>
        options.TokenValidationParameters = new TokenValidationParameters { ValidIssuer = "tests", ValidAudience = "shop", IssuerSigningKey = _key });

    private static string Token(params (string? Name, string? Value)[] claims)
    {
        var all = claims.Where(claim => claim.Name is not null).ToDictionary(claim => claim.Name!, claim => (object)claim.Value!);
        all["role"] = "operator";
        all["jti"] = Guid.NewGuid().ToString();
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "tests",
            Audience = "shop",
            Claims = all,
            Expires = DateTime.UtcNow.AddMinutes(5),
            SigningCredentials = new SigningCredentials(_key, SecurityAlgorithms.HmacSha256),
        });
    }
}
