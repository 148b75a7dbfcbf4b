using System.Security.Claims;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.DeadLetters.Server.OpenId;

namespace WorkinIt.Tests.SignIn;

/// <summary>The name of a user of any application in the audit log: no other user has it, however the application signs its users in.</summary>
public sealed class UserNameTests
{
    private const string Name = ClaimTypes.Name;
    private const string Id = ClaimTypes.NameIdentifier;

    [Theory]
    [InlineData("Erin (4711)", Name, "Erin", Id, "4711")]
    [InlineData("Erin", Name, "Erin", null, null)] // nothing else to tell users apart
    [InlineData("erin", Name, "erin", Id, "erin")]
    [InlineData("Erin [Ops] (4711)", Name, "Erin (Ops)", Id, "4711")]
    public void User_of_a_cookie_host_has_the_name_and_the_id(string name, string type, string value, string? otherType, string? other) => NameOf((type, value), (otherType, other)).ShouldBe(name);

    [Theory]
    [InlineData("erin.h", "preferred_username", "erin.h", "name", "Erin")]
    [InlineData("Erin (4711)", "sub", "4711", "name", "Erin")]
    [InlineData("4711", "sub", "4711", null, null)]
    [InlineData("Erin", "name", "Erin", null, null)]
    [InlineData("erin@example.com", "upn", "erin@example.com", "sub", "4711")]
    [InlineData("erin@example.com (4711)", "email", "erin@example.com", "sub", "4711")] // the user may have typed it
    [InlineData("client deploy-bot", "client_id", "deploy-bot", null, null)]
    public void User_of_a_token_has_a_name_that_only_one_user_has_or_the_id(string name, string type, string value, string? otherType, string? other) => NameOf((type, value), (otherType, other)).ShouldBe(name);

    [Fact]
    public void Users_of_an_issuer_with_one_display_name_are_told_apart_by_their_user_name_or_id()
    {
        (string, string)[] erin = [("name", "Erin"), ("email", "erin@example.com"), ("email_verified", "true"), ("sub", "1")];

        NameOf([.. erin]).ShouldBe("erin@example.com");
        NameOf([.. erin, ("preferred_username", "erin.h")]).ShouldBe("erin.h");
        NameOf(("name", "Erin"), ("sub", "2")).ShouldBe("Erin (2)");
    }

    [Theory]
    [InlineData("Erin [token deploy-bot, t_3fa91c02]", "name", "Erin (token deploy-bot, t_3fa91c02)", null, null)]
    [InlineData("Erin [token deploy-bot, t_3fa91c02] (2)", "name", "Erin (token deploy-bot, t_3fa91c02)", "sub", "2")]
    [InlineData("Erin [1] (2)", "name", "Erin (1)", "sub", "2")]
    [InlineData("Erin [1] (2)", "preferred_username", "Erin (1)", "sub", "2")] // then a display name like any other
    [InlineData("client Erin [1]", "client_id", "Erin (1)", null, null)]
    public void Name_can_not_imitate_a_token_or_another_user(string name, string type, string value, string? otherType, string? other) => NameOf((type, value), (otherType, other)).ShouldBe(name);

    [Theory]
    [InlineData("\U000E0041erin")] // a tag, outside the basic plane
    [InlineData("erin\U000E0100")] // a variation selector, likewise
    [InlineData("erin\uFE0F")]
    [InlineData("erin\u3164")] // a letter without a glyph
    [InlineData("er\u00ADin")]
    [InlineData("erin\u00A0hall")] // looks like a space
    [InlineData("erin ")]
    [InlineData("\U000F0000erin")] // for private use: no font has it
    public void Name_that_looks_like_another_one_because_of_invisible_characters_is_not_taken_alone(string name)
    {
        NameOf(("preferred_username", name), ("sub", "2")).ShouldEndWith(" (2)");
        UserName.IsPlain(name).ShouldBeFalse();
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_not_part_of_a_name() => UserName.IsPlain("erin" + (char)0xD83D).ShouldBeFalse();

    [Theory]
    [InlineData("\U0001F600 Erin")]
    [InlineData("\u5C71\u7530 \u592A\u90CE")]
    [InlineData("Zoe\u0308 O\u2019Hara-Smith")]
    [InlineData("\U00020BB7\u91CE")] // a letter outside the basic plane
    public void Name_in_any_script_is_taken_as_it_is(string name) => NameOf(("preferred_username", name), ("sub", "2")).ShouldBe(name);

    [Fact]
    public void Name_is_cut_between_characters()
    {
        var name = UserName.Plain(new string('e', 254) + "\U0001F600");
        name.ShouldBe(new string('e', 254));
        UserName.Plain(new string('e', 253) + "\U0001F600x").ShouldBe(new string('e', 253) + "\U0001F600");
        UserName.IsPlain(name).ShouldBeTrue();
    }

    [Theory]
    [InlineData("erin.h")]
    [InlineData("Erin Hall (4711)")]
    [InlineData("4711")]
    public void User_of_the_standalone_server_keeps_the_name_of_the_sign_in(string name) => SignedIn.NameOf(OpenIdSessionCheck.Person("key", "4711", name, mayOperate: true)).ShouldBe(name);

    private static string? NameOf(params (string? Type, string? Value)[] claims) =>
        SignedIn.NameOf(new ClaimsPrincipal(new ClaimsIdentity(claims.Where(claim => claim.Type is not null).Select(claim => new Claim(claim.Type!, claim.Value!)), "test")));
}
