using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace WorkinIt.Testbed;

/// <summary>
/// An issuer of OpenID Connect in this process: OpenIddict, without a database. It has one client. A user signs in by name; a refresh token works once.
/// </summary>
public sealed class OpenIdIssuer : IAsyncDisposable
{
    /// <summary>The id of its client.</summary>
    public const string ClientId = "dead-letters";

    /// <summary>The secret of its client.</summary>
    public const string ClientSecret = "only for tests";

    /// <summary>How long its access tokens are valid.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    private readonly ConcurrentDictionary<string, string[]> _groups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _userNames = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _used = new(StringComparer.Ordinal);
    private readonly HttpClient _browser = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly RsaSecurityKey _key = new(RSA.Create(2048)) { KeyId = "one" };
    private int _renewals;
    private int _held;

    private OpenIdIssuer()
    {
    }

    private WebApplication App { get; set; } = null!;

    /// <summary>Its address.</summary>
    public Uri Address => new(App.Urls.First());

    /// <summary>How many sessions were renewed.</summary>
    public int Renewals => _renewals;

    /// <summary>The id of the session that began last.</summary>
    public string LastSession { get; private set; } = "";

    /// <summary>The path of its client to which it sends users back.</summary>
    public string Callback { get; set; } = "/dead-letters/sign-in/callback";

    /// <summary>Whether it answers each request with 503.</summary>
    public bool IsDown { get; set; }

    /// <summary>Whether groups are only at its user-info endpoint, and not in the ID token.</summary>
    public bool HidesGroups { get; set; }

    /// <summary>What a proxy in front of it answers, with status 200, by path.</summary>
    public ConcurrentDictionary<string, (string ContentType, string Body)> Proxied { get; } = new(StringComparer.Ordinal);

    /// <summary>Holds the requests for tokens until it has completed; null: none.</summary>
    public TaskCompletionSource? Hold { get; set; }

    /// <summary>How many requests for tokens were held.</summary>
    public int Held => _held;

    /// <summary>Starts it.</summary>
    public static async Task<OpenIdIssuer> StartAsync()
    {
        var issuer = new OpenIdIssuer();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddOpenIddict().AddServer(issuer.Configure);
        builder.Services.AddAuthentication();
        issuer.App = builder.Build();
        issuer.App.Use(issuer.BeginAsync);
        issuer.App.UseAuthentication();
        issuer.Map();
        await issuer.App.StartAsync();
        foreach (var path in new[] { ".well-known/openid-configuration", ".well-known/jwks" }) // its first answers take seconds on a busy machine
            (await issuer._browser.GetAsync(new Uri(issuer.Address, path))).EnsureSuccessStatusCode();
        return issuer;
    }

    /// <summary>Sets the groups of a user.</summary>
    /// <param name="user">The user.</param>
    /// <param name="groups">The groups.</param>
    public void SetGroups(string user, params string[] groups) => _groups[user] = groups;

    /// <summary>Sets the unique name of a user (<c>preferred_username</c>). Without it, a user has only an id, and a name that is the same.</summary>
    /// <param name="user">The user.</param>
    /// <param name="name">The name.</param>
    public void SetUserName(string user, string name) => _userNames[user] = name;

    /// <summary>A user opens an address of the issuer.</summary>
    /// <param name="address">The address.</param>
    /// <param name="user">The user; empty: one who cancels the sign-in.</param>
    /// <returns>The address that the issuer redirects to.</returns>
    public async Task<string> OpenAsync(string address, string user)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address)) { Headers = { { "X-User", user } } };
        using var response = await _browser.SendAsync(request);
        return response.Headers.Location?.AbsoluteUri ?? throw new InvalidOperationException($"The issuer answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Signs claims, as the issuer signs its tokens.</summary>
    /// <param name="claims">The claims; issuer, audience, time of issue and of expiry are added if they are missing.</param>
    /// <param name="forged">Whether with another key.</param>
    public string Sign(Dictionary<string, object> claims, bool forged = false)
    {
        using var other = RSA.Create(2048);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var all = new Dictionary<string, object> { ["iss"] = Address.ToString(), ["aud"] = ClientId, ["iat"] = now, ["exp"] = now + 60, ["jti"] = Guid.NewGuid().ToString() };
        foreach (var (name, value) in claims)
            all[name] = value;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Claims = all,
            SigningCredentials = new SigningCredentials(forged ? new RsaSecurityKey(other) { KeyId = _key.KeyId, CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } } : _key, SecurityAlgorithms.RsaSha256),
        });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _browser.Dispose();
        _key.Rsa.Dispose();
    }

    private async Task BeginAsync(HttpContext http, RequestDelegate next)
    {
        if (Hold is { } hold && http.Request.Path == "/token")
        {
            Interlocked.Increment(ref _held);
            await hold.Task.WaitAsync(http.RequestAborted);
        }
        if (IsDown)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        if (!Proxied.TryGetValue(http.Request.Path, out var proxied))
        {
            await next(http);
            return;
        }
        http.Response.ContentType = proxied.ContentType;
        await http.Response.WriteAsync(proxied.Body);
    }

    private void Configure(OpenIddictServerBuilder server)
    {
        server.SetAuthorizationEndpointUris("authorize").SetTokenEndpointUris("token").SetEndSessionEndpointUris("end").SetUserInfoEndpointUris("user");
        server.AllowAuthorizationCodeFlow().AllowRefreshTokenFlow().RequireProofKeyForCodeExchange();
        server.RegisterScopes(Scopes.OpenId, Scopes.Profile, Scopes.OfflineAccess);
        server.SetAccessTokenLifetime(Life);
        server.AddSigningKey(_key).AddEphemeralEncryptionKey();
        server.EnableDegradedMode(); // without a database of clients and tokens; the handlers below check the client
        server.UseAspNetCore().DisableTransportSecurityRequirement()
            .EnableAuthorizationEndpointPassthrough().EnableTokenEndpointPassthrough().EnableEndSessionEndpointPassthrough().EnableUserInfoEndpointPassthrough();
        server.AddEventHandler<ValidateAuthorizationRequestContext>(handler => handler.UseInlineHandler(context =>
        {
            if (context.ClientId != ClientId || !IsCallback(context.RedirectUri, Callback))
                context.Reject(Errors.InvalidClient);
            return default;
        }));
        server.AddEventHandler<ValidateTokenRequestContext>(handler => handler.UseInlineHandler(context =>
        {
            if (context.Request.ClientId != ClientId || context.Request.ClientSecret != ClientSecret)
                context.Reject(Errors.InvalidClient);
            return default;
        }));
        server.AddEventHandler<ValidateEndSessionRequestContext>(handler => handler.UseInlineHandler(context =>
        {
            if (context.IdentityTokenHintPrincipal is null || !IsCallback(context.PostLogoutRedirectUri, "/dead-letters/sign-out/callback"))
                context.Reject(Errors.InvalidRequest);
            return default;
        }));
    }

    private static bool IsCallback(string? address, string path) => Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.IsLoopback && uri.AbsolutePath == path;

    private void Map()
    {
        App.MapGet("/authorize", http => http.Request.Headers["X-User"].ToString() is { Length: > 0 } user
            ? http.SignInAsync(Scheme, Person(user, LastSession = Guid.NewGuid().ToString("N"), http.GetOpenIddictServerRequest()!.GetScopes()))
            : RefuseAsync(http, Errors.AccessDenied));
        App.MapPost("/token", TokenAsync);
        App.MapGet("/end", http => http.SignOutAsync(Scheme));
        App.MapGet("/user", async http =>
        {
            var name = (await http.AuthenticateAsync(Scheme)).Principal!.GetClaim(Claims.Subject)!;
            await http.Response.WriteAsJsonAsync(new { sub = name, name, preferred_username = _userNames.GetValueOrDefault(name), groups = _groups.GetValueOrDefault(name, []) });
        });
    }

    private async Task TokenAsync(HttpContext http)
    {
        var request = http.GetOpenIddictServerRequest()!;
        if (request.IsRefreshTokenGrantType())
        {
            if (!_used.TryAdd(request.RefreshToken!, true))
            {
                await RefuseAsync(http, Errors.InvalidGrant);
                return;
            }
            Interlocked.Increment(ref _renewals);
        }
        var before = (await http.AuthenticateAsync(Scheme)).Principal!;
        await http.SignInAsync(Scheme, Person(before.GetClaim(Claims.Subject)!, before.GetClaim("sid")!, before.GetScopes()));
    }

    private static Task RefuseAsync(HttpContext http, string error) =>
        http.ForbidAsync(Scheme, new AuthenticationProperties(new Dictionary<string, string?> { [OpenIddictServerAspNetCoreConstants.Properties.Error] = error }));

    private ClaimsPrincipal Person(string user, string session, IEnumerable<string> scopes)
    {
        var identity = new ClaimsIdentity("issuer", Claims.Name, Claims.Role);
        identity.AddClaim(new Claim(Claims.Subject, user));
        identity.AddClaim(new Claim(Claims.Name, user));
        identity.AddClaim(new Claim("sid", session));
        if (_userNames.TryGetValue(user, out var name))
            identity.AddClaim(new Claim(Claims.PreferredUsername, name));
        if (!HidesGroups)
            identity.AddClaims(_groups.GetValueOrDefault(user, []).Select(group => new Claim("groups", group)));
        identity.SetScopes(scopes);
        identity.SetDestinations(_ => [Destinations.AccessToken, Destinations.IdentityToken]);
        return new ClaimsPrincipal(identity);
    }
}
