using System.Buffers.Text;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace WorkinIt.Deliveries;

/// <summary>
/// The names of recipients on the list of opt-outs, and the tokens by which a link in a mail says whose it is. A name is a keyed digest of
/// the mailbox: without the secret nobody can tell whose it is, nor whether an address is on the list. A token is that digest and its
/// signature: it holds no address, and only who has the secret can make one.
/// </summary>
/// <param name="options">The secret.</param>
public sealed class OptOutTokens(IOptions<OptOutOptions> options)
{
    private const int SignatureBytes = 16; // 2^128 guesses, and a link that fits a line
    private const int TokenBytes = HMACSHA256.HashSizeInBytes + SignatureBytes;

    // Two keys out of one secret: a digest that became known is no help to sign one.
    private readonly byte[] _names = Key(options, "WorkinIt opt-outs: names of recipients");
    private readonly byte[] _signatures = Key(options, "WorkinIt opt-outs: signatures of links");

    /// <summary>The name of an address's mailbox on the list: 64 hexadecimal digits.</summary>
    /// <param name="address">The address.</param>
    public string NameOf(string address) => Convert.ToHexStringLower(Digest(address));

    /// <summary>The token for a mail to an address: 64 characters that a URL takes as they are. The same each time, and valid as long as the secret is.</summary>
    /// <param name="address">The address.</param>
    public string For(string address)
    {
        var digest = Digest(address);
        return Base64Url.EncodeToString([.. digest, .. Sign(digest)]);
    }

    /// <summary>Reads a token.</summary>
    /// <param name="token">As it came.</param>
    /// <param name="name">The recipient's name on the list.</param>
    /// <returns>False where it was not made with this secret.</returns>
    public bool TryRead(string? token, [NotNullWhen(true)] out string? name)
    {
        name = null;
        Span<byte> bytes = stackalloc byte[TokenBytes];
        if (token is null || token.Length != Base64Url.GetEncodedLength(TokenBytes) || !Base64Url.IsValid(token) // blanks it takes for nothing, which the count tells
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

/// <summary>The section <c>OptOut</c>, as far as all who know the list need it.</summary>
public sealed class OptOutOptions : IValidatableObject
{
    /// <summary>At least so many bytes as UTF-8.</summary>
    public const int ShortestSecret = 32;

    /// <summary>What keeps the names on the list from being guessed and the links from being forged. With another one the list is worth nothing.</summary>
    public string? Secret { get; set; }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(Secret))
            yield return new ValidationResult("OptOut__Secret is not set: what nobody can guess, the same for Web and Consumers, kept for good, as openssl rand -base64 48 makes it");
        else if (Encoding.UTF8.GetByteCount(Secret) < ShortestSecret)
            yield return new ValidationResult($"OptOut__Secret is too short: it must have {ShortestSecret} characters at least, as openssl rand -base64 48 makes them");
    }
}
