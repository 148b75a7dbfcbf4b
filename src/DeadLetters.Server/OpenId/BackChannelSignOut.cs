using System.Data.Common;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>
/// The issuer's message that a user has signed out elsewhere (OpenID Connect Back-Channel Logout 1.0). Ends that session, or all sessions of the user,
/// at all instances.
/// </summary>
internal sealed partial class BackChannelSignOut(OpenIdTokenCheck check, OpenIdSessions sessions, TimeProvider time, ILogger<BackChannelSignOut> log)
{
    private const string Event = "http://schemas.openid.net/event/backchannel-logout";
    private const int LargestBody = 64 * 1024;
    private static readonly TimeSpan _oldest = TimeSpan.FromMinutes(5);

    /// <summary>Answers 200; 400 if the token is not the issuer's, and 503 if that can't be checked or done now.</summary>
    public async Task RunAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = await EndAsync(http);
        if (http.Response.StatusCode == StatusCodes.Status400BadRequest)
            await http.Response.WriteAsJsonAsync(new { error = "invalid_request", error_description = "This is not a valid logout token of the issuer for this server." });
        else
            await http.Response.CompleteAsync(); // no page
    }

    private async Task<int> EndAsync(HttpContext http)
    {
        if (!http.Request.HasFormContentType || http.Request.ContentLength is not <= LargestBody)
            return StatusCodes.Status400BadRequest;
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        try
        {
            if (form["logout_token"] is not [{ Length: > 0 } text] || await check.ReadAsync(text, http.RequestAborted) is not { } token || !IsSignOut(token))
                return StatusCodes.Status400BadRequest;
            LogEnded(sessions.EndAll(Value(token, "sub"), Value(token, "sid")));
            return StatusCodes.Status200OK;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or HttpRequestException or DbException)
        {
            LogFailed(e.GetType().Name);
            return StatusCodes.Status503ServiceUnavailable;
        }
    }

    // An ID token has the same issuer, audience and signature: the event and the missing nonce tell them apart.
    private bool IsSignOut(JsonWebToken token) =>
        token.TryGetPayloadValue<JsonElement>("events", out var events) && events.ValueKind == JsonValueKind.Object && events.TryGetProperty(Event, out _)
        && !token.TryGetPayloadValue<object>("nonce", out _)
        && (time.GetUtcNow() - token.IssuedAt).Duration() <= _oldest
        && (Value(token, "sub") ?? Value(token, "sid")) is not null;

    private static string? Value(JsonWebToken token, string claim) => token.TryGetPayloadValue<string>(claim, out var value) && value.Length > 0 ? value : null;

    [LoggerMessage(LogLevel.Information, "The OpenID Connect issuer signed a user out: {Sessions} sessions ended")]
    private partial void LogEnded(int sessions);

    [LoggerMessage(LogLevel.Warning, "A sign-out by the OpenID Connect issuer could not be done ({Problem}); the issuer got the status 503")]
    private partial void LogFailed(string problem);
}
