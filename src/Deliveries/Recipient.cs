using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.Deliveries;

/// <summary>
/// Identifies the mailbox of an address independently of its spelling. The limit per recipient, the suppression list and an erasure use it.
/// </summary>
public static class Recipient
{
    private static readonly IdnMapping _idn = new();

    /// <summary>Returns the mailbox of an address, for comparison: jane+1@Example.com and Jane@example.com have the same.</summary>
    /// <param name="address">The address; its domain may be international or in ASCII.</param>
    public static string MailboxOf(string address)
    {
        address = address.Trim();
        var at = address.LastIndexOf('@');
        if (at < 0)
            return address.ToUpperInvariant();
        var plus = address.IndexOf('+', StringComparison.Ordinal);
        var local = plus > 0 && plus < at ? address[..plus] : address[..at];
        return $"{local}@{Ascii(address[(at + 1)..])}".ToUpperInvariant();
    }

    /// <summary>Returns a hash by which an index finds the submissions to a mailbox. Two mailboxes may have the same hash.</summary>
    /// <param name="address">The address.</param>
    public static long HashOf(string address) =>
        BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(MailboxOf(address))));

    private static string Ascii(string domain)
    {
        if (System.Text.Ascii.IsValid(domain))
            return domain;
        try
        {
            return _idn.GetAscii(domain);
        }
        catch (ArgumentException)
        {
            return domain;
        }
    }
}
