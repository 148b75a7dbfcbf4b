using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// Lets the browser that sent a submission see on its page what was typed. Everybody else who has the page's address sees the recipient masked,
/// and no thought. The cookie goes to that page only and holds the submission's id, protected by the key ring: no personal data.
/// </summary>
internal sealed class SenderCookie(IDataProtectionProvider protection)
{
    private const string Name = "sender";

    private static readonly TimeSpan _life = TimeSpan.FromDays(1);

    private readonly ITimeLimitedDataProtector _protector = protection.CreateProtector("WorkinIt.Web.Sender").ToTimeLimitedDataProtector();

    /// <summary>Gives it to the browser that has just sent a submission.</summary>
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
        catch (CryptographicException) // forged, too old, or of another key ring
        {
            return false;
        }
    }
}
