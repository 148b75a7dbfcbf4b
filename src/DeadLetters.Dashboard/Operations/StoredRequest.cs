using System.Text.Json;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>The request of a dry run in a form that another instance can read.</summary>
internal sealed record StoredRequest
{
    public required Verb Verb { get; init; }

    public required string Queue { get; init; }

    public string? Exception { get; init; }

    public string? Text { get; init; }

    public string? MessageType { get; init; }

    public string? Cause { get; init; }

    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    public IReadOnlyList<string>? Ids { get; init; }

    public long? Expected { get; init; }

    /// <summary>Writes a request; null for an edit or a repair, which belong to one user.</summary>
    public static string? Write(RequestedOperation requested) => requested.Edit is not null || requested.Patch is not null || requested.Filter.Condition is not null ? null : JsonSerializer.Serialize(new StoredRequest
    {
        Verb = requested.Verb,
        Queue = requested.Queue,
        Exception = requested.Filter.Exception,
        Text = requested.Filter.Text,
        MessageType = requested.Filter.MessageType,
        Cause = requested.Filter.Cause,
        Since = requested.Filter.Since,
        Until = requested.Filter.Until,
        Ids = requested.Filter.Ids is { } ids ? [.. ids] : null,
        Expected = requested.Expected,
    });

    /// <summary>Reads what <see cref="Write"/> wrote. The options (pace, canary, …) come from the form.</summary>
    public static RequestedOperation Read(string json)
    {
        var stored = JsonSerializer.Deserialize<StoredRequest>(json)!;
        var filter = new DeadLetterFilter
        {
            Exception = stored.Exception,
            Text = stored.Text,
            MessageType = stored.MessageType,
            Cause = stored.Cause,
            Since = stored.Since,
            Until = stored.Until,
            Ids = stored.Ids is { } ids ? DeadLetterFilter.ById(ids).Ids : null,
        };
        return new RequestedOperation(stored.Verb, stored.Queue, filter) { Expected = stored.Expected };
    }
}
