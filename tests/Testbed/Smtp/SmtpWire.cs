using System.Buffers;
using System.Text;

namespace WorkinIt.Testbed;

/// <summary>The SMTP wire format: lines, the end of a mail, dot stuffing.</summary>
internal static class SmtpWire
{
    public static bool TryCutLine(ReadOnlySequence<byte> buffer, out string line, out SequencePosition end)
    {
        var reader = new SequenceReader<byte>(buffer);
        var found = reader.TryReadTo(out ReadOnlySequence<byte> bytes, (byte)'\n');
        line = found ? Encoding.UTF8.GetString(bytes).TrimEnd('\r') : "";
        end = reader.Position;
        return found;
    }

    /// <param name="buffer">The bytes read since <c>DATA</c>.</param>
    /// <param name="content">The mail as received, including the line break before the final dot.</param>
    /// <param name="end">The position after the final dot.</param>
    public static bool TryCutMail(ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> content, out SequencePosition end)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (reader.IsNext(".\r\n"u8, advancePast: true))
        {
            (content, end) = (ReadOnlySequence<byte>.Empty, reader.Position);
            return true;
        }
        var found = reader.TryReadTo(out content, "\r\n.\r\n"u8);
        if (found)
            content = buffer.Slice(0, content.Length + 2);
        end = reader.Position;
        return found;
    }

    /// <summary>Removes dot stuffing: on the wire, a line that begins with a dot has an additional dot.</summary>
    public static byte[] WithoutStuffing(ReadOnlySequence<byte> content)
    {
        var bytes = content.ToArray();
        var written = 0;
        for (var from = 0; from < bytes.Length;)
        {
            if (bytes[from] == '.')
                from++;
            var length = bytes.AsSpan(from).IndexOf("\r\n."u8);
            length = length < 0 ? bytes.Length - from : length + 2;
            bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(written));
            (from, written) = (from + length, written + length);
        }
        return written == bytes.Length ? bytes : bytes[..written];
    }

    /// <summary>Returns the Message-ID without its angle brackets, or an empty string if there is none.</summary>
    public static string MessageId(ReadOnlySequence<byte> content)
    {
        var reader = new SequenceReader<byte>(content);
        while (reader.TryReadTo(out ReadOnlySequence<byte> line, "\r\n"u8) && line.Length > 0)
        {
            if (line.FirstSpan[0] is not ((byte)'M' or (byte)'m'))
                continue;
            var text = Encoding.UTF8.GetString(line);
            if (text.StartsWith("Message-ID:", StringComparison.OrdinalIgnoreCase))
                return text["Message-ID:".Length..].Trim().Trim('<', '>');
        }
        return "";
    }

    public static string Reply(int code, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        return string.Concat(lines.Select((line, index) => $"{code}{(index < lines.Length - 1 ? '-' : ' ')}{line}\r\n"));
    }

    public static (string? User, string? Password) PlainCredentials(string response) =>
        FromBase64(response)?.Split('\0') is [_, var user, var password] ? (user, password) : (null, null);

    public static string? FromBase64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var written) ? Encoding.UTF8.GetString(bytes, 0, written) : null;
    }
}
