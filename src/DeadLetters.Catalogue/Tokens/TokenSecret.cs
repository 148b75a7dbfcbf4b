using System.Buffers.Text;
using System.Security.Cryptography;

namespace WorkinIt.DeadLetters.Catalogue.Tokens;

/// <summary>A token as a program sends it: <c>wdl_</c> and 32 random bytes in base64url. It is shown once, and only its hash is kept.</summary>
internal static class TokenSecret
{
    /// <summary>The beginning of each token, so that scanners for secrets find one in a file.</summary>
    public const string Prefix = "wdl_";

    private const int Bytes = 32;

    public static string Create() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>The SHA-256 of the random bytes, in hexadecimal. It needs no salt, because they are random; null if the text is not a token.</summary>
    public static string? HashOf(string token)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        return token.StartsWith(Prefix, StringComparison.Ordinal) && Base64Url.IsValid(token.AsSpan(Prefix.Length), out var length) && length == Bytes
            && Base64Url.TryDecodeFromChars(token.AsSpan(Prefix.Length), bytes, out _)
            ? Convert.ToHexStringLower(SHA256.HashData(bytes))
            : null;
    }
}
