using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// A cookie that lets the browser that sent a submission see its address and thought on the submission's page. Everyone else who has the URL
/// sees the recipient masked, and no thought. The cookie is sent to that page only. It holds the submission's id, protected by the key ring,
/// and no personal data.
/// </summary>
internal sealed class SenderCookie(IDataProtectionProvider protection)
{
    private const string Name = "sender";

    private static readonly TimeSpan _life = TimeSpan.FromDays(1);

    private readonly ITimeLimitedDataProtector _protector = protection.CreateProtector("WorkinIt.Web.Sender").ToTimeLimitedDataProtector();

    /// <summary>Sets the cookie in the browser that has just sent a submission.</summary>
    public void Give(HttpContext http, Guid id) => http.Response.Cookies.Append(
        Name,
        _protector.Protect(id.ToString("N"), _life),
        new CookieOptions { Path = $"/submissions/{id}", HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = http.Request.IsHttps, MaxAge = _life });

    /// <summary>Whether this request comes from the browser that sent the submission, less than a day ago.</summary>
    public bool IsSender(HttpRequest request, Guid id)
    {
        if (request.Cookies[Name] is not { } value)
            return false;
        try
        {
            return _protector.Unprotect(value) == id.ToString("N");
        }
        catch (CryptographicException) // forged, expired, or from another key ring
        {
            return false;
        }
    }
}
