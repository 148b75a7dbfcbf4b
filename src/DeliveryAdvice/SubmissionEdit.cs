using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.DeliveryAdvice;

/// <summary>An edit that changes the id of a submission.</summary>
/// <param name="OldId">The id before the edit; null if the message has no valid one.</param>
/// <param name="NewId">The id after the edit; null if the message has no valid one.</param>
internal sealed record SubmissionEdit(Guid? OldId, Guid? NewId)
{
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    /// <summary>Compares the ids in a message before and after an edit; null if they are the same.</summary>
    /// <param name="letter">The message before the edit.</param>
    /// <param name="edited">The message after the edit, as JSON.</param>
    public static SubmissionEdit? Of(DeadLetter letter, string edited)
    {
        var (before, after) = (IdIn(letter.MessageJson ?? letter.BodyText), IdIn(edited));
        return before == after ? null : new SubmissionEdit(before, after);
    }

    // As the consumer reads it: in any letter case, and the last one if there are several.
    private static Guid? IdIn(string? message)
    {
        if (message is null)
            return null;
        try
        {
            using var json = JsonDocument.Parse(message, _parsing);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.EnumerateObject().LastOrDefault(field => field.Name.Equals("submissionId", StringComparison.OrdinalIgnoreCase)).Value is { ValueKind: JsonValueKind.String } value
                && Guid.TryParse(value.GetString(), out var id) && id != Guid.Empty ? id : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
