using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// What dead letters have in common. Exceptions of one type thrown at one place in the application's own code are one cause, whatever their
/// messages say. If no stack trace names such a place, the message without its ids, numbers, addresses and quoted words is the cause.
/// All unreadable messages are one cause.
/// </summary>
/// <param name="Id">Eight hexadecimal digits, for use in filters.</param>
/// <param name="ExceptionType">The exception's type; null if there is none.</param>
/// <param name="Text">The message with its ids, numbers and addresses replaced; for a group, its most frequent text.</param>
/// <param name="Frame">The first stack frame in the application's own code; null if unknown.</param>
public sealed record Cause(string Id, string? ExceptionType, string Text, string? Frame)
{
    private const string NotRead = "unreadable";

    /// <summary>The cause's id, a hyphen and eight digits for its text. In a filter, it selects the messages of the cause that have this text.</summary>
    internal string VariantId => $"{Id}-{IdOf(Text)}";

    internal static Cause Of(DeadLetter letter)
    {
        var text = CauseText.Of(letter.Reason);
        if (IsUnreadable(letter))
            return new Cause(IdOf(NotRead), letter.ExceptionType, text, null);
        return Of(letter.ExceptionType, text, letter.StackTrace is { } stack ? StackFrames.FirstOwn(stack) : null);
    }

    internal static Cause Of(string? exceptionType, string text, string? place) =>
        new(IdOf($"{exceptionType}\n{place ?? text}"), exceptionType, text, place);

    // A message that reached its consumer was readable.
    private static bool IsUnreadable(DeadLetter letter) =>
        letter.Header("MT-Fault-ConsumerType") is null
        && (letter.ExceptionType?.EndsWith(".SerializationException", StringComparison.Ordinal) == true || (letter.Kind is DeadLetterKind.Fault or DeadLetterKind.Unknown && letter.Unreadable is not null));

    private static string IdOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 4));
}

/// <summary>One text within a cause.</summary>
/// <param name="Text">The message with its ids, numbers and addresses replaced.</param>
/// <param name="Count">How many messages have this text.</param>
/// <param name="Id">Selects these messages in filters, in place of a cause's id.</param>
public sealed record CauseVariant(string Text, long Count, string Id);

/// <summary>The dead letters of one cause.</summary>
/// <param name="Cause">The cause.</param>
/// <param name="Count">How many messages.</param>
/// <param name="First">When the first of them failed; null if none has a time.</param>
/// <param name="Last">When the last of them failed; null if none has a time.</param>
/// <param name="Example">The dead-letter id of the first one in the queue.</param>
/// <param name="MessageTypes">Their message types, up to five.</param>
/// <param name="Variants">Their texts, the most frequent first, up to <see cref="MostVariants"/>.</param>
/// <param name="OtherVariants">How many messages have another text.</param>
public sealed record CauseGroup(
    Cause Cause, long Count, DateTimeOffset? First, DateTimeOffset? Last, string Example, IReadOnlyList<string> MessageTypes, IReadOnlyList<CauseVariant> Variants, long OtherVariants)
{
    /// <summary>How many texts are kept per cause. Each has at most 300 characters, so a cause takes a few kilobytes at most.</summary>
    internal const int MostVariants = 20;

    /// <summary>The count with thousands separators.</summary>
    internal string CountText => Count.ToString("N0", CultureInfo.InvariantCulture);
}
