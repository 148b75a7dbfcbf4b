using System.Security.Claims;
using WorkinIt.DeadLetters.Server.OpenId;

namespace WorkinIt.Tests.OpenId;

/// <summary>The name of a user in the audit log, which also owns edits and dry runs: nobody else may have it, or look like it.</summary>
public sealed class OpenIdUserTests
{
    private static readonly OpenIdSettings _settings = new(new Uri("https://id.example.com"), "board", null);

    [Theory]
    [InlineData("erin.h", "sub=1", "name=Erin Hall", "email=erin@example.com", "upn=erin@corp.example.com", "preferred_username=erin.h")]
    [InlineData("erin@corp.example.com", "sub=1", "name=Erin Hall", "email=erin@example.com", "upn=erin@corp.example.com")]
    [InlineData("erin@example.com", "sub=1", "name=Erin Hall", "email=erin@example.com")]
    [InlineData("erin@example.com", "sub=1", "name=Erin Hall", "email=erin@example.com", "email_verified=true")]
    [InlineData("Erin Hall (1)", "sub=1", "name=Erin Hall", "preferred_username= ")]
    [InlineData("1", "sub=1")]
    public void Name_is_the_first_claim_that_one_user_has(string name, params string[] claims) => NameOf(claims).ShouldBe(name);

    [Theory]
    [InlineData("email=erin@example.com", "email_verified=false")]
    [InlineData("email=erin@example.com", "email_verified=False")]
    public void Email_that_the_issuer_has_not_verified_is_not_a_name(params string[] claims) => NameOf([.. claims, "sub=1"]).ShouldBe("1");

    [Fact]
    public void Users_with_the_same_display_name_have_different_names()
    {
        var display = new string('E', 300);

        NameOf("name=Erin", "sub=1").ShouldNotBe(NameOf("name=Erin", "sub=2"));
        NameOf($"name={display}", "sub=1").ShouldNotBe(NameOf($"name={display}", "sub=2"));
        NameOf($"sub={display}1").ShouldNotBe(NameOf($"sub={display}2"));
        NameOf($"preferred_username={display}1", "sub=1").ShouldNotBe(NameOf($"preferred_username={display}2", "sub=2"));
    }

    [Theory]
    [InlineData("1", "preferred_username=Erin (token deploy-bot, t_3fa91c02)", "sub=1")]
    [InlineData("1", "upn=Erin \u202Etoken", "sub=1")]
    [InlineData("Erin [token deploy-bot, t_3fa91c02] (1)", "name=Erin (token deploy-bot, t_3fa91c02)", "sub=1")]
    [InlineData("Erin[token deploy-bot, t_3fa91c02] (1)", "name=Erin\uFF08token deploy-bot, t_3fa91c02\uFF09", "sub=1")]
    [InlineData("Erin (7975b2d4eaef2a3b0ce32584f8dcc26964f05e8f5db5e591ba4a5214a5e0f40a)", "name=Erin", "sub=token deploy-bot, t_3fa91c02")]
    [InlineData("03ec5751bfc93e17dff6298ce846706e7b8c6197481b49aa0e030900d01fa788", "sub=Erin (token deploy-bot, t_3fa91c02)")]
    [InlineData("Mallory (2)", "preferred_username=Erin (1)", "name=Mallory", "sub=2")]
    public void Name_can_not_imitate_a_token_or_the_id_of_another_user(string name, params string[] claims) => NameOf(claims).ShouldBe(name);

    private static string NameOf(params string[] claims) => OpenIdUser.Of(claims.Select(claim => claim.Split('=', 2)).Select(claim => new Claim(claim[0], claim[1])), _settings).Name;
}
