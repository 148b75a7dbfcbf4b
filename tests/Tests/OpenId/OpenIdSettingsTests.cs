using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters.Server.OpenId;

namespace WorkinIt.Tests.OpenId;

public sealed class OpenIdSettingsTests
{
    [Fact]
    public void Without_settings_there_is_no_sign_in_with_OpenID_Connect() => OpenIdSettings.Read(Configuration()).ShouldBeNull();

    [Fact]
    public void Groups_are_separated_by_commas_and_scopes_by_spaces()
    {
        var settings = OpenIdSettings.Read(Configuration(
            ("Authority", "https://id.example.com/team"), ("ClientId", "board"), ("Scopes", "profile offline_access"), ("GroupsClaim", "roles"), ("ViewGroups", "support, on call"), ("OperateGroups", "admins"))).ShouldNotBeNull();

        settings.Authority.ShouldBe(new Uri("https://id.example.com/team"));
        settings.ClientSecret.ShouldBeNull();
        settings.Scopes.ShouldBe(["openid", "profile", "offline_access"]);
        settings.GroupsClaim.ShouldBe("roles");
        settings.ViewGroups.ShouldBe(["support", "on call"]);
        settings.OperateGroups.ShouldBe(["admins"]);
    }

    [Theory]
    [InlineData("Authority", "")]
    [InlineData("Authority", "id.example.com")]
    [InlineData("Authority", "http://id.example.com")]
    [InlineData("Authority", "https://user:hunter2@id.example.com")]
    [InlineData("ClientId", "")]
    [InlineData("ViewGroups", "")]
    [InlineData("ViewGroups", " , ")]
    [InlineData("OperateGroup", "admins")]
    public void Invalid_setting_is_refused_with_its_name_and_without_the_secret(string name, string value)
    {
        var error = Should.Throw<OptionsValidationException>(() => OpenIdSettings.Read(Configuration(
            ("Authority", "https://id.example.com"), ("ClientId", "board"), ("ClientSecret", "hunter2"), ("ViewGroups", "support"), (name, value))));

        error.Failures.ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.ShouldStartWith($"OpenIdConnect__{name} "), it => it.ShouldNotContain("hunter2"));
    }

    private static IConfiguration Configuration(params (string Name, string Value)[] settings)
    {
        var values = new Dictionary<string, string?>();
        foreach (var (name, value) in settings)
            values[$"OpenIdConnect:{name}"] = value;
        return new ConfigurationBuilder().AddInMemoryCollection(values).Build();
    }
}
