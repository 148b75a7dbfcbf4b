using System.Data.Common;
using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Tokens;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>
/// Who may use the API: a program with a token, or a user whom the application's own authentication signs in, with the policies of the pages. The
/// routes allow anonymous requests to the middleware, because it knows no tokens; each request is checked here.
/// </summary>
internal static class ApiAccess
{
    /// <summary>The authentication type of a program with a token. Its name is that of the audit log.</summary>
    public const string TokenIdentity = "dead-letter token";

    private const string Bearer = "Bearer ";

    /// <summary>Whether a program sent the request, with a token: it sees no page.</summary>
    public static bool IsProgram(PageContext page) => page.Http.User.Identity?.AuthenticationType == TokenIdentity;

    /// <summary>Checks a request, and makes its user that of the page.</summary>
    /// <returns>Why it is refused; null if it is not.</returns>
    /// <exception cref="DbException">The database of the tokens is unreachable.</exception>
    public static async Task<IResult?> RefuseAsync(PageContext page, ApiRoute route)
    {
        var authorization = page.Http.Request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer + TokenSecret.Prefix, StringComparison.OrdinalIgnoreCase)
            ? await RefuseTokenAsync(page, route, authorization[Bearer.Length..].Trim())
            : await RefuseUserAsync(page, route);
    }

    /// <summary>Refuses what only an operator may do; null if the user is one.</summary>
    public static IResult? RefuseViewer(PageContext page, string what) => page.MayAct ? null : ApiAnswer.Problem(
        StatusCodes.Status403Forbidden, "Not allowed", $"{what} needs the right to operate.", "Use a token with the scope operate, or sign in as an operator.");

    private static async Task<IResult?> RefuseTokenAsync(PageContext page, ApiRoute route, string secret)
    {
        if (page.Http.RequestServices.GetService<TokenStore>() is not { } tokens)
            return Unauthorized(page, "This application has no catalogue, so it has no tokens.");
        if (await Task.Run(() => tokens.Find(secret), page.Aborted) is not { } token)
            return Unauthorized(page, "The token is unknown.");
        if (token.Refusal(page.Time.GetUtcNow()) is { } refusal)
            return Unauthorized(page, refusal);
        if (page.Service<TokenLimits>().Wait(token.Id, page.Options.TokenRequestsPerMinute) is { } wait)
        {
            page.Http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return ApiAnswer.Problem(StatusCodes.Status429TooManyRequests, "Too many requests", string.Create(CultureInfo.InvariantCulture, $"A token may send {page.Options.TokenRequestsPerMinute} requests per minute."), "Send the request again after the time in Retry-After.");
        }
        page.Http.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, token.By)], TokenIdentity));
        page.MayAct = token.Scope == TokenScope.Operate;
        if (route.Scope == TokenScope.Operate && RefuseViewer(page, route.Summary.TrimEnd('.')) is { } viewer)
            return viewer;
        await MarkAsync(tokens, token);
        return null;
    }

    private static async Task MarkAsync(TokenStore tokens, ApiToken token)
    {
        try
        {
            await tokens.UsedAsync(token, CancellationToken.None);
        }
        catch (DbException)
        {
            // When it was last used is only shown; the request itself needs no write.
        }
    }

    private static async Task<IResult?> RefuseUserAsync(PageContext page, ApiRoute route)
    {
        var http = page.Http;
        var metadata = http.GetEndpoint()!.Metadata;
        // The pages' policies, and whatever the application has added to all endpoints of MapDeadLetters.
        var policy = await AuthorizationPolicy.CombineAsync(
            page.Service<IAuthorizationPolicyProvider>(), metadata.GetOrderedMetadata<IAuthorizeData>(), metadata.GetOrderedMetadata<AuthorizationPolicy>());
        var evaluator = page.Service<IPolicyEvaluator>();
        var result = await evaluator.AuthorizeAsync(policy!, await evaluator.AuthenticateAsync(policy!, http), http, http);
        if (result.Challenged)
            return http.Items.ContainsKey(DashboardOptions.UserNotChecked) ? NotChecked(page) : Unauthorized(page, "The request has no token, and nobody is signed in.");
        if (!result.Succeeded)
            return ApiAnswer.Problem(StatusCodes.Status403Forbidden, "Not allowed", $"Your user may not do this: {route.Summary.TrimEnd('.')}.");
        var isNamed = SignedIn.NameOf(http.User) is not null;
        page.MayAct = isNamed && (await page.Service<IAuthorizationService>().AuthorizeAsync(http.User, page.Options.OperatePolicy)).Succeeded;
        if (!isNamed && route is not { IsPost: false, Scope: TokenScope.View })
            return ApiAnswer.Problem(StatusCodes.Status403Forbidden, "Nothing was done", SignedIn.NoName, SignedIn.NoNameAdvice);
        // What reveals or exports is in the audit log, so another site must not be able to make a user's browser do it.
        return (route.IsPost || route.Scope == TokenScope.Operate || page.IsTicked("reveal")) && !await IsFromHereAsync(page) ? ApiAnswer.Problem(
            StatusCodes.Status403Forbidden, "Nothing was done", "The request may have been forged: it has neither the origin of this site nor an antiforgery token.",
            "A page of this site sends its origin; a program uses a token.") : null;
    }

    // A browser adds cookies and passwords of the site to requests that another site makes. It always says where the request is from, and no page can change that.
    private static async Task<bool> IsFromHereAsync(PageContext page)
    {
        var request = page.Http.Request;
        if (request.Headers.Authorization.ToString().StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return true; // no browser adds that
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site)
            return site == "same-origin" || await IsAntiforgeryValidAsync(page);
        return (Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out var origin) && origin.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase))
            || await IsAntiforgeryValidAsync(page);
    }

    private static async Task<bool> IsAntiforgeryValidAsync(PageContext page)
    {
        try
        {
            await SignedIn.ValidateAsync(page.Http, page.Service<IAntiforgery>());
            return true;
        }
        catch (AntiforgeryValidationException)
        {
            return false;
        }
    }

    private static ApiAnswer NotChecked(PageContext page)
    {
        page.Http.Response.Headers.RetryAfter = "10";
        return ApiAnswer.Problem(
            StatusCodes.Status503ServiceUnavailable, "Your rights can’t be checked", "What the sign-in asks about users does not answer. Nothing was done. You are still signed in.", "Try again in a few seconds, or use a token.");
    }

    private static ApiAnswer Unauthorized(PageContext page, string detail)
    {
        page.Http.Response.Headers.WWWAuthenticate = "Bearer";
        return ApiAnswer.Problem(StatusCodes.Status401Unauthorized, "No access", detail, $"Send a token as Authorization: Bearer wdl_…; operators create one at {page.Links.Tokens}.");
    }
}
