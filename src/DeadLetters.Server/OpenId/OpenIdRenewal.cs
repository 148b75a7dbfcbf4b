using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>Asks the issuer again about a user, with the refresh token. A user who left a group has lost its rights then.</summary>
internal sealed partial class OpenIdRenewal(IOptionsMonitor<OpenIdConnectOptions> options, OpenIdSettings settings, OpenIdTokenCheck check, TimeProvider time, ILogger<OpenIdRenewal> log)
{
    /// <summary>The longest time that both steps of a renewal may take together.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Asks for new tokens: the first step. The earlier refresh token may be invalid after it.</summary>
    /// <param name="tokens">The tokens of the session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Renewal> AskAsync(OpenIdTokens tokens, CancellationToken cancellationToken)
    {
        var openId = options.Get(OpenIdSignIn.Scheme);
        try
        {
            var issuer = await openId.ConfigurationManager!.GetConfigurationAsync(cancellationToken).WaitAsync(cancellationToken); // it ignores its own token while it loads
            using var content = new FormUrlEncodedContent(Form(tokens.Refresh!));
            using var response = await openId.Backchannel.PostAsync(new Uri(issuer.TokenEndpoint), content, cancellationToken);
            if (response.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError and not (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests))
            {
                LogRefused((int)response.StatusCode);
                return new Renewal.Refused();
            }
            response.EnsureSuccessStatusCode();
            var answer = Read(await response.Content.ReadAsStringAsync(cancellationToken));
            return new Renewal.Granted(answer, new OpenIdTokens(New(answer.IdToken, tokens.Id), New(answer.RefreshToken, tokens.Refresh)), Until(answer.ExpiresIn));
        }
        catch (Exception e) when (IsFailure(e))
        {
            LogUnavailable(e.GetType().Name);
            return new Renewal.Unavailable();
        }
    }

    /// <summary>Reads and asks what the user may do now: the second step.</summary>
    /// <param name="session">The session.</param>
    /// <param name="answer">The answer with the new tokens.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the user may act, as before if the issuer says nothing new or does not answer. Null: the user may not even view.</returns>
    public async Task<bool?> MayOperateAsync(OpenIdSession session, OpenIdConnectMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            var claims = await ClaimsAsync(answer, cancellationToken);
            if (claims is [])
                return session.MayOperate;
            var isUser = claims.Exists(claim => claim.Type == "sub") && claims.TrueForAll(claim => claim.Type != "sub" || claim.Value == session.Subject);
            return isUser && OpenIdUser.Of(claims, settings) is { MayView: true } user ? user.MayOperate : null;
        }
        catch (Exception e) when (IsFailure(e))
        {
            LogUserUnknown(e.GetType().Name);
            return session.MayOperate;
        }
    }

    private static bool IsFailure(Exception e) => e is HttpRequestException or IOException or InvalidOperationException or JsonException or FormatException or OperationCanceledException;

    private static string? New(string? value, string? before) => string.IsNullOrEmpty(value) ? before : value;

    // What answers may be a proxy in front of the issuer, with a page of its own.
    private static OpenIdConnectMessage Read(string json)
    {
        try
        {
            var answer = new OpenIdConnectMessage(json);
            return string.IsNullOrEmpty(answer.AccessToken) ? throw new JsonException("The answer has no access token.") : answer;
        }
        catch (ArgumentException e)
        {
            throw new JsonException("The answer is not a JSON object.", e);
        }
    }

    private IEnumerable<KeyValuePair<string, string>> Form(string refreshToken)
    {
        yield return new("grant_type", "refresh_token");
        yield return new("refresh_token", refreshToken);
        yield return new("client_id", settings.ClientId);
        if (settings.ClientSecret is { } secret)
            yield return new("client_secret", secret);
    }

    // An issuer may give no new ID token. Without a user-info endpoint too, nothing new is known of the user.
    private async Task<List<Claim>> ClaimsAsync(OpenIdConnectMessage answer, CancellationToken cancellationToken)
    {
        var openId = options.Get(OpenIdSignIn.Scheme);
        var issuer = await openId.ConfigurationManager!.GetConfigurationAsync(cancellationToken).WaitAsync(cancellationToken);
        List<Claim> claims = answer.IdToken is { Length: > 0 } token ? [.. await check.ClaimsOfAsync(token, cancellationToken) ?? throw new InvalidOperationException("The new ID token is invalid.")] : [];
        if (string.IsNullOrEmpty(issuer.UserInfoEndpoint))
            return claims;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(issuer.UserInfoEndpoint)) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", answer.AccessToken) } };
        using var response = await openId.Backchannel.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var user = UserInfo(await response.Content.ReadAsStringAsync(cancellationToken), response.Content.Headers.ContentType?.MediaType);
        if (!user.RootElement.TryGetProperty("sub", out _))
            throw new JsonException("The answer names no user.");
        foreach (var property in user.RootElement.EnumerateObject())
            claims.AddRange(Values(property.Value).Select(value => new Claim(property.Name, value)));
        return claims;
    }

    // A signed answer needs no check of its signature: the issuer itself sent it.
    private static JsonDocument UserInfo(string text, string? mediaType) => JsonDocument.Parse(
        mediaType != "application/jwt" ? text : text.Split('.') is [_, var payload, _] ? Base64UrlEncoder.Decode(payload) : throw new JsonException("The answer is not a signed token."));

    private static IEnumerable<string> Values(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Select(item => item.ToString()) : [value.ToString()];

    private DateTimeOffset Until(string? expiresIn) =>
        time.GetUtcNow() + (int.TryParse(expiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : OpenIdSignIn.UsualValidity);

    [LoggerMessage(LogLevel.Warning, "The OpenID Connect issuer refused to renew a session (status {Status}): the user must sign in again")]
    private partial void LogRefused(int status);

    [LoggerMessage(LogLevel.Warning, "The OpenID Connect issuer could not be asked to renew a session ({Problem}): the next request asks again")]
    private partial void LogUnavailable(string problem);

    [LoggerMessage(LogLevel.Warning, "The OpenID Connect issuer renewed a session but did not say what the user may do now ({Problem}): the user keeps its rights until the next renewal")]
    private partial void LogUserUnknown(string problem);
}

/// <summary>The issuer's answer to a refresh token.</summary>
internal abstract record Renewal
{
    /// <summary>The session goes on, with these tokens.</summary>
    internal sealed record Granted(OpenIdConnectMessage Answer, OpenIdTokens Tokens, DateTimeOffset ValidUntil) : Renewal;

    /// <summary>The user must sign in again.</summary>
    internal sealed record Refused : Renewal;

    /// <summary>The issuer does not answer.</summary>
    internal sealed record Unavailable : Renewal;
}
