using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// A text whose escapes and full-width characters are decoded, so that addresses are found in it: <c>%40</c>, <c>\u0040</c> (with any number of backslashes, as in
/// JSON within JSON), <c>&amp;#64;</c> and the full-width ＠ are an @.
/// </summary>
internal sealed partial class PlainText
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    private readonly List<(int Plain, int Written)> _changes = []; // between two entries, both indexes advance equally

    private PlainText(string written) => Text = Escapes().Replace(written, match =>
    {
        if (Decoded(match.ValueSpan) is not { } plain)
            return match.Value;
        var (index, end) = (match.Index, match.Index);
        if (_changes.Count > 0)
            index += _changes[^1].Plain - _changes[^1].Written;
        foreach (var rune in plain.EnumerateRunes())
        {
            index += rune.Utf16SequenceLength;
            end += match.ValueSpan[0] == '%' ? 3 * rune.Utf8SequenceLength : match.Length;
            _changes.Add((index, end));
        }
        return plain;
    });

    public string Text { get; }

    public static PlainText Of(string written) => new(written);

    /// <summary>Converts an index in the plain text to one in the written text.</summary>
    public int Written(int plain)
    {
        var next = ~_changes.BinarySearch((plain, int.MaxValue)); // int.MaxValue never matches: this is the index of the next entry
        return next == 0 ? plain : _changes[next - 1].Written + plain - _changes[next - 1].Plain;
    }

    private static string? Decoded(ReadOnlySpan<char> escape) => escape[0] switch
    {
        '\\' => ((char)int.Parse(escape[^4..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToString(),
        '%' => OfBytes(escape),
        '&' => escape switch
        {
            "&commat;" => "@",
            "&plus;" => "+",
            "&period;" => ".",
            _ => WebUtility.HtmlDecode(escape.ToString()) is [var c] ? c.ToString() : null,
        },
        '﹫' => "@",
        '。' or '｡' => ".",
        var wide => ((char)(wide - '！' + '!')).ToString(),
    };

    private static string? OfBytes(ReadOnlySpan<char> escape)
    {
        try
        {
            return _strict.GetString(Convert.FromHexString(escape.ToString().Replace("%", "", StringComparison.Ordinal)));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"(?<!\\)(?>\\+)u[0-9a-fA-F]{4}|(?>(?:%[0-9a-fA-F]{2})+)|&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});|[＋－．＿＠０-９Ａ-Ｚａ-ｚ﹫。｡]", RegexOptions.CultureInvariant)]
    private static partial Regex Escapes();
}
