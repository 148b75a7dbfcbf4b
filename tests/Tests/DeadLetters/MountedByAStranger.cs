using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>An application in which nobody could sign in hears so at its start, in one line, with what to add.</summary>
public sealed class MountedByAStranger
{
    [Fact]
    public void Without_any_authentication_the_start_says_so() =>
        WhatIsWrong(_ => { }).ShouldContain("needs an authentication scheme, and this application has none");

    [Fact]
    public void Without_a_default_scheme_the_start_says_so() =>
        WhatIsWrong(services => services.AddAuthentication()).ShouldContain("no default authentication scheme, and the authorization policy “support” names none");

    [Fact]
    public void A_scheme_that_a_policy_names_and_nobody_added_is_named() =>
        WhatIsWrong(services => services.AddAuthentication().AddCookie(), scheme: "Missing").ShouldContain("names the authentication scheme “Missing”");

    [Fact]
    public void A_policy_that_nobody_added_is_named() =>
        WhatIsWrong(services => services.AddAuthentication("Cookies").AddCookie(), look: "nobody").ShouldContain("needs the authorization policy “nobody”");

    [Fact]
    public void With_a_scheme_it_starts()
    {
        Mount(services => services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie());
        Mount(services => services.AddAuthentication().AddCookie(), scheme: CookieAuthenticationDefaults.AuthenticationScheme);
    }

    private static string WhatIsWrong(Action<IServiceCollection> configure, string? scheme = null, string look = "support")
    {
        var message = Should.Throw<InvalidOperationException>(() => Mount(configure, scheme, look)).Message;
        message.ShouldNotContain('\n');
        message.ShouldContain("Add");
        return message;
    }

    private static void Mount(Action<IServiceCollection> configure, string? scheme = null, string look = "support")
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
        ((WebApplication)app).MapDeadLetters("/dead-letters", options => (options.LookPolicy, options.ActPolicy) = (look, "support"));
    }
}
