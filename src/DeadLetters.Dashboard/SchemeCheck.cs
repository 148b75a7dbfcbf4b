using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>
/// Whether anybody can be asked to sign in. Without an authentication scheme each page would be an error 500, and the reason would be in the
/// log of the first request only; so the start says it.
/// </summary>
internal static class SchemeCheck
{
    private const string Remedy =
        "Add one before builder.Build(), as in builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie()";

    /// <exception cref="InvalidOperationException">It says what is missing and what to add.</exception>
    public static void Check(IServiceProvider services, DashboardOptions options)
    {
        var policies = services.GetRequiredService<IAuthorizationPolicyProvider>();
        foreach (var name in new[] { options.LookPolicy, options.ActPolicy }.Distinct())
        {
            // At the start, and of the usual provider it is there at once.
            var policy = policies.GetPolicyAsync(name).GetAwaiter().GetResult()
                ?? throw new InvalidOperationException($"MapDeadLetters needs the authorization policy “{name}”, and there is none. Add it, as in builder.Services.AddAuthorizationBuilder().AddPolicy(\"{name}\", policy => policy.RequireRole(…))");
            Check(services.GetService<IAuthenticationSchemeProvider>(), name, policy);
        }
    }

    private static void Check(IAuthenticationSchemeProvider? schemes, string name, AuthorizationPolicy policy)
    {
        if (schemes is null)
            throw new InvalidOperationException($"MapDeadLetters needs an authentication scheme, and this application has none, so nobody could sign in. {Remedy}");
        if (policy.AuthenticationSchemes.FirstOrDefault(scheme => schemes.GetSchemeAsync(scheme).GetAwaiter().GetResult() is null) is { } missing)
            throw new InvalidOperationException($"MapDeadLetters: the authorization policy “{name}” names the authentication scheme “{missing}”, and there is none of that name. Correct the name, or add the scheme. {Remedy}");
        if (policy.AuthenticationSchemes.Count == 0 && schemes.GetDefaultChallengeSchemeAsync().GetAwaiter().GetResult() is null)
            throw new InvalidOperationException($"MapDeadLetters: this application has no default authentication scheme, and the authorization policy “{name}” names none, so nobody could sign in. {Remedy}, or name a scheme in the policy by AddAuthenticationSchemes");
    }
}
