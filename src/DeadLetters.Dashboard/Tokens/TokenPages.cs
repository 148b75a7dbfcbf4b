using System.Data.Common;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Tokens;

namespace WorkinIt.DeadLetters.Dashboard.Tokens;

/// <summary>Makes, lists and revokes the tokens of the API. For operators. Both acts are in the audit log, with the token's id.</summary>
internal static class TokenPages
{
    private const int LongestLife = 3650; // days

    public static Task<IResult> ShowAsync(PageContext page) => WithStoreAsync(page, tokens => Task.FromResult(Render(page, tokens)));

    /// <summary>Makes a token and shows it, once.</summary>
    public static Task<IResult> MakeAsync(PageContext page) => WithStoreAsync(page, async tokens =>
    {
        if (page.Value("name") is not { Length: <= TokenStore.LongestName } name || name.Any(char.IsControl))
            return Render(page, tokens, error: $"Name: enter up to {TokenStore.LongestName} characters, such as the name of the program.");
        var scope = page.Value("scope") == "operate" ? TokenScope.Operate : TokenScope.View;
        DateTimeOffset? expires = null;
        if (page.Value("days") is { } days)
        {
            if (!int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > LongestLife)
                return Render(page, tokens, error: $"Expires after: “{days}” is not a number of days from 1 to {LongestLife}.");
            expires = page.Time.GetUtcNow().AddDays(number);
        }
        var (token, secret) = await tokens.MakeAsync(name, scope, page.By, expires, page.Aborted);
        await WriteAsync(page, "make token", token);
        return Render(page, tokens, made: (token, secret));
    });

    public static Task<IResult> RevokeAsync(PageContext page) => WithStoreAsync(page, async tokens =>
    {
        if (tokens.FindById(page.Route("token")) is not { } token)
            return page.Problem(StatusCodes.Status404NotFound, "Token not found", "It does not exist, or was removed.", "Reload the page of tokens.");
        if (await tokens.RevokeAsync(token.Id, page.By, page.Aborted))
            await WriteAsync(page, "revoke token", token);
        return PageContext.SeeOther(page.Links.Tokens);
    });

    private static async Task<IResult> WithStoreAsync(PageContext page, Func<TokenStore, Task<IResult>> show)
    {
        if (page.Http.RequestServices.GetService<TokenStore>() is not { } tokens)
            return page.Page<TokenList, TokensModel>("API tokens", new TokensModel(null, null, null));
        try
        {
            return await show(tokens);
        }
        catch (DbException)
        {
            page.Http.Response.Headers.RetryAfter = "10";
            return page.Problem(StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be used", "Its database, which holds the tokens, is unreachable, not ready yet, or it can’t be written.", "Try again in a few seconds.");
        }
    }

    private static IResult Render(PageContext page, TokenStore tokens, (ApiToken, string)? made = null, string? error = null) => page.Page<TokenList, TokensModel>(
        "API tokens", new TokensModel(tokens.List(), made, error), error is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);

    private static Task WriteAsync(PageContext page, string verb, ApiToken token)
    {
        var now = page.Time.GetUtcNow();
        return page.Sources.Default.Client.Audit.WriteAsync(
            new AuditEntry
            {
                Id = Guid.CreateVersion7(now).ToString("N"),
                At = now,
                EndedAt = now,
                By = page.By,
                Verb = verb,
                Queue = "",
                Filter = $"token {token.Name}, {token.Id}, {token.Scope.ToString().ToLowerInvariant()}",
            },
            page.Aborted);
    }
}

/// <param name="All">The tokens, the newest first; null: there is no catalogue, so there are none.</param>
/// <param name="Made">The token that was just made, and the token itself.</param>
/// <param name="Error">What is wrong with the form.</param>
internal sealed record TokensModel(IReadOnlyList<ApiToken>? All, (ApiToken Token, string Secret)? Made, string? Error)
{
    /// <summary>Whether a token gives access, in words.</summary>
    public static string State(ApiToken token, DateTimeOffset now) =>
        token.RevokedAt is not null ? $"revoked by {token.RevokedBy}" : token.ExpiresAt <= now ? "expired" : "active";
}
