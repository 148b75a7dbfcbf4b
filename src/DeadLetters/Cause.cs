using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Why messages failed: what throws, at one place of the application's own code, is one cause, whatever its message says; where no stack trace names
/// such a place, the message without its ids, numbers, addresses and quoted words is. All that could not be read is one.
/// </summary>
/// <param name="Id">Eight hexadecimal digits: names it in filters.</param>
/// <param name="ExceptionType">The exception's type; null where there is none.</param>
/// <param name="Text">The message, its ids, numbers and addresses replaced; of a group, the text that most of its messages have.</param>
/// <param name="Frame">The first frame of the application's own code; null where none is known.</param>
public sealed record Cause(string Id, string? ExceptionType, string Text, string? Frame)
{
    private const string NotRead = "unreadable";

    /// <summary>The cause's id, a hyphen and eight digits for its text: names in filters those of the cause that have this text.</summary>
    public string VariantId => $"{Id}-{IdOf(Text)}";

    internal static Cause Of(DeadLetter letter)
    {
        var text = CauseText.Of(letter.Reason);
        if (IsUnreadable(letter))
            return new Cause(IdOf(NotRead), letter.ExceptionType, text, null);
        return Of(letter.ExceptionType, text, letter.StackTrace is { } stack ? StackFrames.FirstOwn(stack) : null);
    }

    internal static Cause Of(string? exceptionType, string text, string? place) =>
        new(IdOf($"{exceptionType}\n{place ?? text}"), exceptionType, text, place);

    // What its consumer has seen was read.
    private static bool IsUnreadable(DeadLetter letter) =>
        letter.Header("MT-Fault-ConsumerType") is null
        && (letter.ExceptionType?.EndsWith(".SerializationException", StringComparison.Ordinal) == true || (letter.Kind is DeadLetterKind.Fault or DeadLetterKind.Unknown && letter.Unreadable is not null));

    private static string IdOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 4));
}

/// <summary>A text within a cause.</summary>
/// <param name="Text">The message, its ids, numbers and addresses replaced.</param>
/// <param name="Count">How many have it.</param>
/// <param name="Id">Names them in filters, in place of a cause's id.</param>
public sealed record CauseVariant(string Text, long Count, string Id);

/// <summary>The dead letters of one cause.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Count">How many.</param>
/// <param name="First">When the first failed; null where none says so.</param>
/// <param name="Last">When the last failed.</param>
/// <param name="Example">The dead letter's id of the first one in the queue.</param>
/// <param name="MessageTypes">The types among them, up to five.</param>
/// <param name="Variants">The texts among them, the most frequent first, up to <see cref="MostVariants"/>.</param>
/// <param name="OtherVariants">How many messages have none of these texts.</param>
public sealed record CauseGroup(
    Cause Cause, long Count, DateTimeOffset? First, DateTimeOffset? Last, string Example, IReadOnlyList<string> MessageTypes, IReadOnlyList<CauseVariant> Variants, long OtherVariants)
{
    /// <summary>How many texts are kept of a cause: each has 300 characters at most, so that a cause takes no more than some kilobytes.</summary>
    public const int MostVariants = 20;

    /// <summary>The count with thousands separated.</summary>
    public string CountText => Count.ToString("N0", CultureInfo.InvariantCulture);
}
