using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace ParcelDesk;

/// <summary>The sign-in: at the issuer of OpenID Connect that is set, and else without passwords, to try the sample in development.</summary>
internal static class SignInSetup
{
    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        var authentication = builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie => cookie.LoginPath = "/sign-in");
        var issuer = builder.Configuration.GetSection("OpenIdConnect");
        if (issuer["Authority"] is not { Length: > 0 } authority)
            return;
        builder.Services.Configure<AuthenticationOptions>(options => options.DefaultChallengeScheme = OpenIdConnectDefaults.AuthenticationScheme);
        authentication.AddOpenIdConnect(openId =>
        {
            (openId.Authority, openId.ClientId, openId.ClientSecret) = (authority, issuer["ClientId"], issuer["ClientSecret"]);
            openId.RequireHttpsMetadata = !new Uri(authority).IsLoopback;
            openId.ResponseType = OpenIdConnectResponseType.Code;
            openId.ResponseMode = OpenIdConnectResponseMode.Query;
            openId.MapInboundClaims = false; // the console reads the issuer's claims: preferred_username, sub, name
            openId.TokenValidationParameters.NameClaimType = "name";
            openId.TokenValidationParameters.RoleClaimType = "groups"; // the policies of the console name groups of the issuer
            foreach (var cookie in new[] { openId.CorrelationCookie, openId.NonceCookie })
                (cookie.SameSite, cookie.SecurePolicy) = (SameSiteMode.Lax, CookieSecurePolicy.SameAsRequest); // this sample runs on http://localhost
        });
    }
}
