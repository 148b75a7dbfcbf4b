using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>Builds broker names, which have at most 255 bytes, from a queue's name.</summary>
internal static class BrokerNames
{
    private const int Longest = 255;
    private const int HashLength = 32;

    /// <summary>Whether the name is short enough for the broker.</summary>
    public static bool Fits(string name) => Encoding.UTF8.GetByteCount(name) <= Longest;

    /// <summary>
    /// Whether the broker's error reply about this name may be too long for AMQP. RabbitMQ 4.3.6 cuts a reply by characters instead of bytes, so a
    /// long name with characters outside ASCII does not fit, and the broker closes the connection with 541 instead. RabbitMQ 3.10.8 cuts it by bytes.
    /// </summary>
    public static bool MayOverflowReply(string name)
    {
        const int ReplyText = 60; // "NOT_FOUND - no queue '' in vhost ''", or "RESOURCE_LOCKED - …", and a short virtual host
        return !Ascii.IsValid(name) && Encoding.UTF8.GetByteCount(name) > Longest - ReplyText;
    }

    /// <summary>
    /// The queue's name between a prefix and a suffix. If that is too long, the queue's name is cut and a hash of it added; the same queue always
    /// gets the same name. Only ASCII is kept of the start, so that the broker can answer about the result (<see cref="MayOverflowReply"/>).
    /// </summary>
    public static string Of(string prefix, string queue, string suffix)
    {
        if (Fits(prefix + queue + suffix))
            return prefix + queue + suffix;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(queue)))[..HashLength];
        var start = prefix.Length > 0 ? "" : Start(queue, Longest - HashLength - 1 - Encoding.UTF8.GetByteCount(suffix)) + "~";
        return prefix + start + hash + suffix;
    }

    private static string Start(string text, int bytes)
    {
        var start = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (bytes-- == 0)
                break;
            start.Append(rune.IsAscii ? rune : new Rune('_'));
        }
        return start.ToString();
    }
}
