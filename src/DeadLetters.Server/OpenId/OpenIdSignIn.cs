using System.Data.Common;
using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using WorkinIt.SignIn;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>The sign-in with OpenID Connect: code flow with PKCE; groups of the issuer decide who may view and who may act, and nobody else gets in.</summary>
internal static partial class OpenIdSignIn
{
    public const string Scheme = "OpenIdConnect";

    // Below the path of the cookies.
    private const string CallbackPath = OperatorSignIn.SignInPath + "/callback";
    private const string StartPath = OperatorSignIn.SignInPath + "/start";
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    /// <summary>How long an answer of the issuer holds that names no time.</summary>
    public static readonly TimeSpan UsualValidity = TimeSpan.FromMinutes(5);

    /// <summary>Adds the sign-in.</summary>
    /// <param name="services">The services.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="sessions">Returns the database of the sessions.</param>
    public static void AddOpenIdSignIn(this IServiceCollection services, OpenIdSettings settings, Func<IServiceProvider, Database> sessions)
    {
        services.AddSingleton(settings);
        services.AddSingleton(provider => new OpenIdSessions(sessions(provider), provider.GetRequiredService<IDataProtectionProvider>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<OpenIdTokenCheck>();
        services.AddTransient<OpenIdRenewal>();
        services.AddTransient<OpenIdSessionCheck>();
        services.AddTransient<BackChannelSignOut>();
        services.AddOperatorCookie(context => context.HttpContext.RequestServices.GetRequiredService<OpenIdSessionCheck>().ValidateAsync(context));
        services.AddAuthentication().AddOpenIdConnect(Scheme, openId => Configure(openId, settings));
    }

    /// <summary>Maps the pages of the sign-in and of the sign-out.</summary>
    public static void Map(WebApplication app)
    {
        // A page that continues automatically, not a redirect: if the request was a form, the browser would not follow a redirect to another site.
        app.MapGet(OperatorSignIn.SignInPath, http => PlainPage.WriteAsync(
            http, StatusCodes.Status200OK, "Dead letters", "You sign in at the sign-in service of your organization.", $"{StartPath}?returnUrl={Uri.EscapeDataString(SignInPage.ReturnUrl(http) ?? OperatorSignIn.Path)}"));
        app.MapGet(StartPath, (RequestDelegate)StartAsync);
        OpenIdSignOut.Map(app);
    }

    /// <summary>Writes the page for an issuer that does not answer.</summary>
    public static Task ShowUnreachableAsync(HttpContext http)
    {
        http.Response.Headers.RetryAfter = "10";
        return PlainPage.WriteAsync(http, StatusCodes.Status503ServiceUnavailable, "Temporarily unavailable", "The sign-in service does not answer, so you can’t sign in now. Try again in a few seconds.");
    }

    private static async Task StartAsync(HttpContext http)
    {
        try
        {
            await http.ChallengeAsync(Scheme, new AuthenticationProperties { RedirectUri = SignInPage.ReturnUrl(http) ?? OperatorSignIn.Path });
        }
        catch (Exception e) when (e is InvalidOperationException or HttpRequestException or IOException)
        {
            LogUnreachable(LogOf(http), e.Message);
            await ShowUnreachableAsync(http);
        }
    }

    private static void Configure(OpenIdConnectOptions openId, OpenIdSettings settings)
    {
        openId.SignInScheme = OperatorSignIn.Scheme;
        openId.Authority = settings.Authority.ToString();
        openId.RequireHttpsMetadata = settings.Authority.Scheme == Uri.UriSchemeHttps;
        openId.ClientId = settings.ClientId;
        openId.ClientSecret = settings.ClientSecret;
        openId.ResponseType = OpenIdConnectResponseType.Code;
        openId.ResponseMode = OpenIdConnectResponseMode.Query; // a form posted from another site would need cookies that browsers send to every site
        openId.UsePkce = true;
        openId.CallbackPath = CallbackPath;
        openId.RemoteSignOutPath = default; // by the back channel only: browsers block the cookies of a frame
        openId.SignedOutCallbackPath = OpenIdSignOut.CallbackPath;
        openId.MapInboundClaims = false;
        openId.GetClaimsFromUserInfoEndpoint = true; // many issuers give groups only there
        openId.SaveTokens = true; // for TicketReceived, which keeps them out of the cookie
        openId.BackchannelTimeout = _patience;
        openId.DisableTelemetry = true;
        foreach (var cookie in new[] { openId.CorrelationCookie, openId.NonceCookie })
            (cookie.SameSite, cookie.SecurePolicy) = (SameSiteMode.Lax, CookieSecurePolicy.SameAsRequest);
        openId.Scope.Clear();
        foreach (var scope in settings.Scopes)
            openId.Scope.Add(scope);
        foreach (var claim in OpenIdUser.NameClaims.Append(settings.GroupsClaim))
            openId.ClaimActions.MapJsonKey(claim, claim);
        openId.Events.OnTicketReceived = EnterAsync;
        openId.Events.OnRemoteFailure = FailAsync;
        openId.Events.OnAccessDenied = FailAsync;
        openId.Events.OnRedirectToIdentityProviderForSignOut = OpenIdSignOut.NameTheUserAsync;
    }

    private static async Task EnterAsync(TicketReceivedContext context)
    {
        context.HandleResponse();
        var (http, properties) = (context.HttpContext, context.Properties!);
        var settings = http.RequestServices.GetRequiredService<OpenIdSettings>();
        var user = OpenIdUser.Of(context.Principal!.Claims, settings);
        if (!user.MayView)
        {
            await OpenIdPages.ShowNoGroupAsync(http, user, settings);
            return;
        }
        var tokens = new OpenIdTokens(properties.GetTokenValue("id_token"), properties.GetTokenValue("refresh_token"));
        try
        {
            var key = http.RequestServices.GetRequiredService<OpenIdSessions>().Begin(user, tokens, ValidUntil(properties, tokens));
            await http.SignInAsync(OperatorSignIn.Scheme, OpenIdSessionCheck.Person(key, user.Subject, user.Name, user.MayOperate));
            http.Response.Redirect(context.ReturnUri ?? OperatorSignIn.Path);
        }
        catch (DbException)
        {
            OperatorSessionCheck.SetUnknown(http);
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }

    private static DateTimeOffset ValidUntil(AuthenticationProperties properties, OpenIdTokens tokens) =>
        DateTimeOffset.TryParse(properties.GetTokenValue("expires_at"), CultureInfo.InvariantCulture, out var until) ? until : new JsonWebToken(tokens.Id).ValidTo;

    private static Task FailAsync<T>(HandleRequestContext<T> context)
        where T : AuthenticationSchemeOptions
    {
        context.HandleResponse();
        LogFailed(LogOf(context.HttpContext), (context as RemoteFailureContext)?.Failure?.GetType().Name ?? "the issuer refused it");
        return PlainPage.WriteAsync(
            context.HttpContext, StatusCodes.Status400BadRequest, "You are not signed in", "The sign-in did not complete: the sign-in service refused it, or it took too long. Try again.", html: $"""<p><a href="{OperatorSignIn.Path}">Sign in</a></p>""");
    }

    private static ILogger LogOf(HttpContext http) => http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("WorkinIt.DeadLetters.Server.OpenId");

    [LoggerMessage(LogLevel.Warning, "The OpenID Connect issuer does not answer, so nobody can sign in: {Problem}")]
    private static partial void LogUnreachable(ILogger log, string problem);

    [LoggerMessage(LogLevel.Warning, "A sign-in with OpenID Connect did not complete: {Problem}")]
    private static partial void LogFailed(ILogger log, string problem);
}
