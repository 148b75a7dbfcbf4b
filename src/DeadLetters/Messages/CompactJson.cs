using System.Buffers;

namespace WorkinIt.DeadLetters;

/// <summary>Puts JSON on one line: removes the spaces between tokens and escapes control characters. All else stays byte for byte.</summary>
internal static class CompactJson
{
    /// <summary>Returns the JSON on one line.</summary>
    /// <param name="json">Valid JSON.</param>
    public static byte[] Of(ReadOnlySpan<byte> json)
    {
        var output = new ArrayBufferWriter<byte>(Math.Max(16, json.Length));
        var isInString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var c = json[i];
            if (!isInString && (c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
                continue;
            if (c == '"')
                isInString = !isInString;
            // DEL and the C1 control characters (two bytes in UTF-8) are valid in JSON, but a terminal executes them as commands.
            if (c == 0x7f)
                output.Write("\\u007f"u8);
            else if (c == 0xe2 && i + 2 < json.Length && TurnsDirection(json[i + 1], json[i + 2]))
            {
                Escape(output, 0x20, (byte)(json[i + 1] == 0x80 ? json[i + 2] - 0x80 : json[i + 2] - 0x80 + 0x40));
                i += 2;
            }
            else if (c == 0xc2 && i + 1 < json.Length && json[i + 1] is >= 0x80 and <= 0x9f)
                Escape(output, 0, json[++i]);
            else
                output.Write([c]);
            if (isInString && c == '\\' && i + 1 < json.Length)
                output.Write([json[++i]]);
        }
        return output.WrittenSpan.ToArray();
    }

    // U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 change the text direction: a terminal then shows another text than the actual one.
    private static bool TurnsDirection(byte second, byte third) => second switch
    {
        0x80 => third is 0x8e or 0x8f or (>= 0xaa and <= 0xae),
        0x81 => third is >= 0xa6 and <= 0xa9,
        _ => false,
    };

    private static void Escape(ArrayBufferWriter<byte> output, byte high, byte low)
    {
        output.Write("\\u"u8);
        foreach (var c in (ReadOnlySpan<byte>)[high, low])
        {
            output.Write("0123456789abcdef"u8.Slice(c >> 4, 1));
            output.Write("0123456789abcdef"u8.Slice(c & 15, 1));
        }
    }
}
