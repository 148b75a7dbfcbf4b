using System.Globalization;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>The two parts of <see cref="DeadLetter.Id"/>.</summary>
/// <param name="Hash">The hash of the contents, as the database keeps it: signed.</param>
/// <param name="Number">The number among identical letters of a queue; 0 for the first, whose id has no number.</param>
internal readonly record struct LetterId(long Hash, long Number)
{
    private const int HashDigits = 16;

    public static LetterId Of(DeadLetter letter) => TryParse(letter.Id, out var id) ? id : throw new ArgumentException($"{letter.Id} is not the id of a dead letter", nameof(letter));

    /// <summary>Reads an id.</summary>
    /// <returns>False if the text is not the id of a dead letter.</returns>
    public static bool TryParse(string text, out LetterId id)
    {
        id = default;
        if (text.Length < HashDigits || !ulong.TryParse(text.AsSpan(0, HashDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hash))
            return false;
        long number = 1;
        if (text.Length > HashDigits && (text[HashDigits] != '-' || !long.TryParse(text.AsSpan(HashDigits + 1), NumberStyles.None, CultureInfo.InvariantCulture, out number) || number < 2))
            return false;
        id = new LetterId(unchecked((long)hash), number - 1);
        return true;
    }

    public override string ToString()
    {
        var hash = unchecked((ulong)Hash);
        return Number == 0 ? hash.ToString("x16", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{hash:x16}-{Number + 1}");
    }
}
