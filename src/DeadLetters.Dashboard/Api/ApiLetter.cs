using System.Text.Json;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>A dead letter in a list, masked.</summary>
internal sealed record ApiLetter
{
    public required string Source { get; init; }

    public required string Queue { get; init; }

    public required string Id { get; init; }

    /// <summary>Its MessageId; the dead letter's id if it has none, or if it may be personal data.</summary>
    public required string MessageId { get; init; }

    public string? MessageType { get; init; }

    public string? ExceptionType { get; init; }

    /// <summary>The id of its cause.</summary>
    public required string Cause { get; init; }

    public required string Reason { get; init; }

    public string? Consumer { get; init; }

    public string? Version { get; init; }

    /// <summary>When it failed.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Where it is: there (in its queue), replayed, discarded, restored, gone, kept or unseen.</summary>
    public required LetterState State { get; init; }

    /// <summary>When it left its queue.</summary>
    public DateTimeOffset? LeftAt { get; init; }

    /// <summary>The operator who moved it.</summary>
    public string? MovedBy { get; init; }

    /// <summary>The size of its body, in bytes.</summary>
    public long Size { get; init; }

    /// <summary>How often it was replayed before it failed.</summary>
    public int Replays { get; init; }

    public static ApiLetter Example { get; } = new()
    {
        Source = "shop",
        Queue = "orders_error",
        Id = ApiExamples.LetterId,
        MessageId = ApiExamples.MessageId,
        MessageType = "Orders:PlaceOrder",
        ExceptionType = "System.TimeoutException",
        Cause = ApiExamples.Cause,
        Reason = "The shop did not answer within 300 ms",
        At = ApiExamples.Time,
        State = LetterState.There,
        Size = 412,
    };

    public static ApiLetter Of(CatalogueLetter letter) => new()
    {
        Source = letter.Source,
        Queue = letter.Queue,
        Id = letter.Id,
        MessageId = Format.IdOf(letter.MessageId, letter.Id),
        MessageType = letter.MessageType,
        ExceptionType = letter.ExceptionType,
        Cause = letter.CauseId,
        Reason = Masking.Text(letter.Reason),
        Consumer = letter.Consumer,
        Version = letter.Version,
        At = letter.At,
        State = letter.State,
        LeftAt = letter.LeftAt,
        MovedBy = letter.By,
        Size = letter.Size,
        Replays = letter.Replays,
    };

    public static ApiLetter Of(string source, DeadLetter letter) => new()
    {
        Source = source,
        Queue = letter.Queue,
        Id = letter.Id,
        MessageId = Format.IdOf(letter.MessageId, letter.Id),
        MessageType = letter.MessageTypes is [var type, ..] ? type : null,
        ExceptionType = letter.ExceptionType,
        Cause = letter.Cause.Id,
        Reason = Masking.Text(letter.Reason),
        Consumer = letter.Consumer,
        Version = letter.Header("MT-Host-AssemblyVersion"),
        At = letter.FailedAt,
        State = LetterState.There,
        Size = letter.Body.Length,
        Replays = letter.LastReplay?.Count ?? 0,
    };
}
