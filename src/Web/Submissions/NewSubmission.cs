using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace WorkinIt.Web.Submissions;

/// <summary>What a person submits, checked. The form and the API have the same rules.</summary>
/// <param name="Email">One bare address.</param>
/// <param name="Thought">1 to 500 characters, line breaks as LF.</param>
internal sealed record NewSubmission(string Email, string Thought)
{
    /// <summary>Counted in Unicode code points, as JSON Schema's <c>maxLength</c> does.</summary>
    public const int LongestThought = 500;

    /// <summary>The names of the fields, in the form and in the API.</summary>
    public const string EmailField = "email";

    public const string ThoughtField = "thought";

    /// <param name="email">As it was typed.</param>
    /// <param name="thought">As it was typed.</param>
    /// <param name="submission">The submission, when both are right.</param>
    /// <param name="errors">By field, what to do.</param>
    public static bool TryCreate(
        string? email, string? thought,
        [NotNullWhen(true)] out NewSubmission? submission, out Dictionary<string, string[]> errors)
    {
        errors = [];
        if (!EmailAddress.TryParse(email, out var address, out var emailError))
            errors[EmailField] = [emailError];

        thought = thought?.ReplaceLineEndings("\n"); // a form sends CRLF for what was typed as one line break
        if (ThoughtError(thought) is { } thoughtError)
            errors[ThoughtField] = [thoughtError];

        submission = errors.Count == 0 ? new NewSubmission(address!, thought!) : null;
        return submission is not null;
    }

    // A zero-width space is no white space to Unicode, and no thought to anybody. A joiner within an emoji is not alone.
    private static bool IsUnseen(Rune rune) => Rune.IsWhiteSpace(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format;

    private static string? ThoughtError(string? thought)
    {
        if (thought is null || thought.EnumerateRunes().All(IsUnseen))
            return "Enter a thought: a word will do.";

        var length = 0;
        var rest = thought.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var taken) != System.Buffers.OperationStatus.Done || rune == Rune.ReplacementChar)
                return "Some characters of the thought did not arrive in one piece. Type them again.";
            if (Rune.IsControl(rune) && rune.Value is not ('\n' or '\t'))
                return "The thought holds a control character that no mail can carry. Take it out.";
            length++;
            rest = rest[taken..];
        }
        return length > LongestThought ? $"Shorten the thought to {LongestThought} characters; it has {length}." : null;
    }
}
