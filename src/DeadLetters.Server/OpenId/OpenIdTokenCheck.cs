using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>Checks the tokens that the issuer has signed for this server.</summary>
internal sealed class OpenIdTokenCheck(IOptionsMonitor<OpenIdConnectOptions> options)
{
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    /// <summary>The claims of a token; null if its signature, issuer, audience or time is wrong.</summary>
    /// <param name="token">The token.</param>
    /// <param name="cancellationToken">Ends the wait for the issuer's keys.</param>
    /// <exception cref="InvalidOperationException">The issuer does not answer.</exception>
    public async Task<IReadOnlyCollection<Claim>?> ClaimsOfAsync(string token, CancellationToken cancellationToken) => (await ReadAsync(token, cancellationToken))?.Claims.ToList();

    /// <summary>A token; null if its signature, issuer, audience or time is wrong.</summary>
    /// <param name="token">The token.</param>
    /// <param name="cancellationToken">Ends the wait for the issuer's keys.</param>
    /// <exception cref="InvalidOperationException">The issuer does not answer.</exception>
    public async Task<JsonWebToken?> ReadAsync(string token, CancellationToken cancellationToken)
    {
        var result = await ValidateAsync(token, cancellationToken);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
        {
            options.Get(OpenIdSignIn.Scheme).ConfigurationManager!.RequestRefresh(); // the issuer has new keys
            result = await ValidateAsync(token, cancellationToken);
        }
        return result.IsValid ? (JsonWebToken)result.SecurityToken : null;
    }

    private async Task<TokenValidationResult> ValidateAsync(string token, CancellationToken cancellationToken)
    {
        var openId = options.Get(OpenIdSignIn.Scheme);
        var issuer = await openId.ConfigurationManager!.GetConfigurationAsync(cancellationToken).WaitAsync(cancellationToken); // it ignores its own token while it loads
        var parameters = openId.TokenValidationParameters.Clone();
        (parameters.ValidIssuer, parameters.IssuerSigningKeys, parameters.ValidAudience) = (issuer.Issuer, issuer.SigningKeys, openId.ClientId);
        return await _handler.ValidateTokenAsync(token, parameters);
    }
}
