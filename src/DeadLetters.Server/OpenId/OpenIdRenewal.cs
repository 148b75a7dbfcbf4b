using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>Asks the issuer again about a user, with the refresh token. A user who left a group has lost its rights then.</summary>
internal sealed partial class OpenIdRenewal(IOptionsMonitor<OpenIdConnectOptions> options, OpenIdSettings settings, OpenIdTokenCheck check, TimeProvider time, ILogger<OpenIdRenewal> log)
{
    /// <summary>Asks.</summary>
    /// <param name="session">The session.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Renewal> AskAsync(OpenIdSession session, OpenIdTokens tokens, CancellationToken cancellationToken)
    {
        var openId = options.Get(OpenIdSignIn.Scheme);
        try
        {
            var issuer = await openId.ConfigurationManager!.GetConfigurationAsync(cancellationToken);
            using var content = new FormUrlEncodedContent(Form(tokens.Refresh!));
            using var response = await openId.Backchannel.PostAsync(new Uri(issuer.TokenEndpoint), content, cancellationToken);
            if (response.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError and not (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests))
            {
                LogRefused((int)response.StatusCode);
                return new Renewal.Refused();
            }
            response.EnsureSuccessStatusCode();
            var answer = new OpenIdConnectMessage(await response.Content.ReadAsStringAsync(cancellationToken));
            var claims = await ClaimsAsync(answer, issuer, openId.Backchannel, cancellationToken);
            if (claims is not [] && claims.Find(claim => claim.Type == "sub")?.Value != session.Subject)
                return new Renewal.Refused();
            return new Renewal.Granted(
                claims is [] ? null : OpenIdUser.Of(claims, settings), new OpenIdTokens(answer.IdToken ?? tokens.Id, answer.RefreshToken ?? tokens.Refresh), Until(answer.ExpiresIn));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogUnavailable(e.GetType().Name);
            return new Renewal.Unavailable();
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
    private async Task<List<Claim>> ClaimsAsync(OpenIdConnectMessage answer, OpenIdConnectConfiguration issuer, HttpClient http, CancellationToken cancellationToken)
    {
        List<Claim> claims = answer.IdToken is { } token ? [.. await check.ClaimsOfAsync(token, cancellationToken) ?? throw new InvalidOperationException("The new ID token is invalid.")] : [];
        if (string.IsNullOrEmpty(issuer.UserInfoEndpoint) || string.IsNullOrEmpty(answer.AccessToken))
            return claims;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(issuer.UserInfoEndpoint)) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", answer.AccessToken) } };
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var user = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        foreach (var property in user.RootElement.EnumerateObject())
            claims.AddRange(Values(property.Value).Select(value => new Claim(property.Name, value)));
        return claims;
    }

    private static IEnumerable<string> Values(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Select(item => item.ToString()) : [value.ToString()];

    private DateTimeOffset Until(string? expiresIn) =>
        time.GetUtcNow() + (int.TryParse(expiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : OpenIdSignIn.UsualValidity);

    [LoggerMessage(LogLevel.Warning, "The OpenID Connect issuer refused to renew a session (status {Status}): the user must sign in again")]
    private partial void LogRefused(int status);

    [LoggerMessage(LogLevel.Warning, "The OpenID Connect issuer could not be asked to renew a session ({Problem}): the next request asks again")]
    private partial void LogUnavailable(string problem);
}

/// <summary>The issuer's answer.</summary>
internal abstract record Renewal
{
    /// <summary>The session goes on. The user is null if the issuer said nothing new of it.</summary>
    internal sealed record Granted(OpenIdUser? User, OpenIdTokens Tokens, DateTimeOffset ValidUntil) : Renewal;

    /// <summary>The user must sign in again.</summary>
    internal sealed record Refused : Renewal;

    /// <summary>The issuer does not answer.</summary>
    internal sealed record Unavailable : Renewal;
}
