using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Signs a message as https://www.standardwebhooks.com describes it, so that a receiver can use an existing library to check it.</summary>
internal static class WebhookSignature
{
    /// <summary>The shortest key, in bytes.</summary>
    public const int ShortestKey = 24;

    private const string Base64Prefix = "whsec_";

    /// <summary>The value of <c>webhook-signature</c>.</summary>
    /// <param name="secret">The receiver's secret.</param>
    /// <param name="id">The value of <c>webhook-id</c>.</param>
    /// <param name="timestamp">The value of <c>webhook-timestamp</c>, in Unix seconds.</param>
    /// <param name="body">The body.</param>
    public static string Sign(string secret, string id, string timestamp, ReadOnlySpan<byte> body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(Key(secret)!, (byte[])[.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body]));

    /// <summary>The key in a secret: the bytes behind <c>whsec_</c>, otherwise the text itself; null if what is behind <c>whsec_</c> is not base64.</summary>
    public static byte[]? Key(string secret)
    {
        if (!secret.StartsWith(Base64Prefix, StringComparison.Ordinal))
            return Encoding.UTF8.GetBytes(secret);
        var text = secret[Base64Prefix.Length..];
        return Base64.IsValid(text) ? Convert.FromBase64String(text) : null;
    }
}
