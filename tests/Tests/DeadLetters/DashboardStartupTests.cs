using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>An application in which no user could sign in fails at startup, with a one-line error that says what to add.</summary>
public sealed class DashboardStartupTests
{
    [Fact]
    public void Dashboard_without_any_authentication_fails_to_start_with_an_explanation() =>
        StartupError(_ => { }).ShouldContain("needs an authentication scheme, and this application has none");

    [Fact]
    public void Dashboard_without_a_default_authentication_scheme_fails_to_start_with_an_explanation() =>
        StartupError(services => services.AddAuthentication()).ShouldContain("no default authentication scheme, and the authorization policy “support” names none");

    [Fact]
    public void Startup_error_names_a_missing_authentication_scheme_that_a_policy_refers_to() =>
        StartupError(services => services.AddAuthentication().AddCookie(), scheme: "Missing").ShouldContain("names the authentication scheme “Missing”");

    [Fact]
    public void Startup_error_names_a_missing_authorization_policy() =>
        StartupError(services => services.AddAuthentication("Cookies").AddCookie(), viewPolicy: "nobody").ShouldContain("needs the authorization policy “nobody”");

    [Fact]
    public void Dashboard_starts_with_a_default_scheme_or_with_a_scheme_named_by_the_policy()
    {
        Mount(services => services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie());
        Mount(services => services.AddAuthentication().AddCookie(), scheme: CookieAuthenticationDefaults.AuthenticationScheme);
    }

    [Theory]
    [InlineData("amqp://jane:secret@rabbit:5673/shop", "http://rabbit:15672/")]
    [InlineData("amqps://jane:secret@rabbit-1,rabbit-2", "https://rabbit-1:15671/")]
    public void Address_of_the_management_API_is_derived_from_the_brokers(string connection, string management) =>
        DeadLetterOptions.Parse(connection).Management.ToString().ShouldBe(management);

    [Fact]
    public void Wrong_connection_string_fails_at_the_registration_without_its_password() =>
        Should.Throw<FormatException>(() => WebApplication.CreateSlimBuilder().Services.AddDeadLetters("rabbit://jane:secret@localhost")).Message.ShouldNotContain("secret");

    [Fact]
    public void Second_registration_fails_and_names_the_method_for_more_sources()
    {
        var services = WebApplication.CreateSlimBuilder().Services.AddDeadLetters("amqp://jane:secret@localhost");
        Should.Throw<InvalidOperationException>(() => services.AddDeadLetters("amqp://jane:secret@localhost/billing")).Message.ShouldContain("AddDeadLetterSource(name, …)");
    }

    private static string StartupError(Action<IServiceCollection> configure, string? scheme = null, string viewPolicy = "support")
    {
        var message = Should.Throw<InvalidOperationException>(() => Mount(configure, scheme, viewPolicy)).Message;
        message.ShouldNotContain('\n');
        message.ShouldContain("Add");
        return message;
    }

    private static void Mount(Action<IServiceCollection> configure, string? scheme = null, string viewPolicy = "support")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse("amqp://jane:secret@localhost", new Uri("http://localhost:15672")));
        builder.Services.AddAuthorizationBuilder().AddPolicy("support", policy =>
        {
            policy.RequireAuthenticatedUser();
            if (scheme is not null)
                policy.AddAuthenticationSchemes(scheme);
        });
        configure(builder.Services);
        using var app = (IDisposable)builder.Build();
        ((WebApplication)app).MapDeadLetters("/dead-letters", options => (options.ViewPolicy, options.OperatePolicy) = (viewPolicy, "support"));
    }
}
