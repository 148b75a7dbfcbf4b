using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace WorkinIt.Web.Submissions;

/// <summary>A validated submission. The form and the API have the same rules.</summary>
/// <param name="Email">One bare e-mail address.</param>
/// <param name="Thought">1 to 500 characters, line breaks as LF.</param>
internal sealed record NewSubmission(string Email, string Thought)
{
    /// <summary>The maximum length, in Unicode code points, as in JSON Schema's <c>maxLength</c>.</summary>
    public const int LongestThought = 500;

    /// <summary>The name of the field, in the form and in the API.</summary>
    public const string EmailField = "email";

    public const string ThoughtField = "thought";

    /// <param name="email">The e-mail address as typed.</param>
    /// <param name="thought">The thought as typed.</param>
    /// <param name="submission">The submission, if both are valid; null otherwise.</param>
    /// <param name="errors">For each invalid field, what the user should do.</param>
    public static bool TryCreate(
        string? email, string? thought,
        [NotNullWhen(true)] out NewSubmission? submission, out Dictionary<string, string[]> errors)
    {
        errors = [];
        if (!EmailAddress.TryParse(email, out var address, out var emailError))
            errors[EmailField] = [emailError];

        thought = thought?.ReplaceLineEndings("\n"); // a form sends each line break as CRLF
        if (ThoughtError(thought) is { } thoughtError)
            errors[ThoughtField] = [thoughtError];

        submission = errors.Count == 0 ? new NewSubmission(address!, thought!) : null;
        return submission is not null;
    }

    // A zero-width space is not white space in Unicode, but it is invisible too. A joiner in an emoji never occurs without visible characters.
    private static bool IsUnseen(Rune rune) => Rune.IsWhiteSpace(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format;

    private static string? ThoughtError(string? thought)
    {
        if (thought is null || thought.EnumerateRunes().All(IsUnseen))
            return "Enter a thought. One word is enough.";

        var length = 0;
        var rest = thought.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var taken) != System.Buffers.OperationStatus.Done || rune == Rune.ReplacementChar)
                return "Some characters of the thought arrived damaged. Type them again.";
            if (Rune.IsControl(rune) && rune.Value is not ('\n' or '\t'))
                return "The thought contains a control character, which a mail can’t carry. Remove it.";
            length++;
            rest = rest[taken..];
        }
        return length > LongestThought ? $"Shorten the thought to {LongestThought} characters; it has {length}." : null;
    }
}
