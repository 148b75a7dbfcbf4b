using System.Buffers.Text;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace WorkinIt.Deliveries;

/// <summary>
/// Creates the names of recipients on the suppression list, and the tokens that identify the recipient in an unsubscribe link. A name is a keyed
/// digest of the mailbox: without the secret it reveals neither whose mailbox it is nor whether an address is on the list. A token is that digest
/// with a signature: it contains no address, and can't be created without the secret.
/// </summary>
/// <param name="options">The secret.</param>
public sealed class OptOutTokens(IOptions<OptOutOptions> options)
{
    private const int SignatureBytes = 16; // 2^128 guesses, and the link still fits on a line
    private const int TokenBytes = HMACSHA256.HashSizeInBytes + SignatureBytes;

    // Two keys derived from one secret, so that a digest that leaked does not help to sign one.
    private readonly byte[] _names = Key(options, "WorkinIt opt-outs: names of recipients");
    private readonly byte[] _signatures = Key(options, "WorkinIt opt-outs: signatures of links");

    /// <summary>Returns the name of an address's mailbox on the list: 64 hexadecimal digits.</summary>
    /// <param name="address">The address.</param>
    public string NameOf(string address) => Convert.ToHexStringLower(Digest(address));

    /// <summary>
    /// Returns the token for a mail to an address: 64 URL-safe characters. It is the same each time, and valid as long as the secret is used.
    /// </summary>
    /// <param name="address">The address.</param>
    public string For(string address)
    {
        var digest = Digest(address);
        return Base64Url.EncodeToString([.. digest, .. Sign(digest)]);
    }

    /// <summary>Reads a token.</summary>
    /// <param name="token">The token as received.</param>
    /// <param name="name">The recipient's name on the list.</param>
    /// <returns>False if the token was not created with this secret.</returns>
    public bool TryRead(string? token, [NotNullWhen(true)] out string? name)
    {
        name = null;
        Span<byte> bytes = stackalloc byte[TokenBytes];
        if (token is null || token.Length != Base64Url.GetEncodedLength(TokenBytes) || !Base64Url.IsValid(token) // the decoder ignores blanks, so the byte count is checked
            || !Base64Url.TryDecodeFromChars(token, bytes, out var count) || count != TokenBytes)
            return false;
        var digest = bytes[..HMACSHA256.HashSizeInBytes];
        if (!CryptographicOperations.FixedTimeEquals(bytes[HMACSHA256.HashSizeInBytes..], Sign(digest)))
            return false;
        name = Convert.ToHexStringLower(digest);
        return true;
    }

    private byte[] Digest(string address) => HMACSHA256.HashData(_names, Encoding.UTF8.GetBytes(Recipient.MailboxOf(address)));

    private ReadOnlySpan<byte> Sign(ReadOnlySpan<byte> digest) => HMACSHA256.HashData(_signatures, digest).AsSpan(0, SignatureBytes);

    private static byte[] Key(IOptions<OptOutOptions> options, string purpose) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.Secret!), HMACSHA256.HashSizeInBytes, info: Encoding.UTF8.GetBytes(purpose));
}

/// <summary>The settings of section <c>OptOut</c> that every process with access to the list needs.</summary>
public sealed class OptOutOptions : IValidatableObject
{
    /// <summary>The minimum length of the secret, in bytes as UTF-8.</summary>
    public const int ShortestSecret = 32;

    /// <summary>
    /// The secret that keeps names on the list from being guessed and links from being forged. With a different secret the list is useless.
    /// </summary>
    public string? Secret { get; set; }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(Secret))
            yield return new ValidationResult("OptOut__Secret is not set: a random secret, the same for Web and Consumers, that never changes. Create one with openssl rand -base64 48");
        else if (Encoding.UTF8.GetByteCount(Secret) < ShortestSecret)
            yield return new ValidationResult($"OptOut__Secret is too short: it must have at least {ShortestSecret} characters. Create one with openssl rand -base64 48");
    }
}
