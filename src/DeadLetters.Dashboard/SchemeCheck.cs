using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>
/// Checks at startup that the application has an authentication scheme. Without one, each page would answer with error 500, and the reason
/// would be only in the log of the first request.
/// </summary>
internal static class SchemeCheck
{
    private const string Remedy =
        "Add one before builder.Build(), for example builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie()";

    /// <exception cref="InvalidOperationException">A policy or a scheme is missing. The message says which, and what to add.</exception>
    public static void Check(IServiceProvider services, DashboardOptions options)
    {
        var policies = services.GetRequiredService<IAuthorizationPolicyProvider>();
        foreach (var name in new[] { options.ViewPolicy, options.OperatePolicy }.Distinct())
        {
            // Blocking is acceptable: this runs at startup, and the default provider completes synchronously.
            var policy = policies.GetPolicyAsync(name).GetAwaiter().GetResult()
                ?? throw new InvalidOperationException($"MapDeadLetters needs the authorization policy “{name}”, which does not exist. Add it, for example builder.Services.AddAuthorizationBuilder().AddPolicy(\"{name}\", policy => policy.RequireRole(…))");
            Check(services.GetService<IAuthenticationSchemeProvider>(), name, policy);
        }
    }

    private static void Check(IAuthenticationSchemeProvider? schemes, string name, AuthorizationPolicy policy)
    {
        if (schemes is null)
            throw new InvalidOperationException($"MapDeadLetters needs an authentication scheme, and this application has none, so no user could sign in. {Remedy}");
        if (policy.AuthenticationSchemes.FirstOrDefault(scheme => schemes.GetSchemeAsync(scheme).GetAwaiter().GetResult() is null) is { } missing)
            throw new InvalidOperationException($"MapDeadLetters: the authorization policy “{name}” names the authentication scheme “{missing}”, which does not exist. Correct the name, or add the scheme. {Remedy}");
        if (policy.AuthenticationSchemes.Count == 0 && schemes.GetDefaultChallengeSchemeAsync().GetAwaiter().GetResult() is null)
            throw new InvalidOperationException($"MapDeadLetters: this application has no default authentication scheme, and the authorization policy “{name}” names none, so no user could sign in. {Remedy}, or name a scheme in the policy with AddAuthenticationSchemes");
    }
}
