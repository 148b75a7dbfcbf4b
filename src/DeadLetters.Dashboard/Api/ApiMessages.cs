using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>A page of the messages of an operation.</summary>
/// <param name="Messages">The messages: those that were moved, then those that were refused or not confirmed.</param>
/// <param name="NextCursor">The cursor of the next page; null if this is the last one.</param>
internal sealed record ApiMessages(IReadOnlyList<ApiMessage> Messages, string? NextCursor)
{
    public const int Normal = 500;
    public const int Most = 5000;

    public static ApiMessages Example { get; } = new(
        [
            new ApiMessage(ApiExamples.LetterId, ApiExamples.MessageId, ApiMove.Moved) { ReplayId = $"{ApiExamples.Operation}.1", Target = "orders", Verdict = VerdictKind.Good, Outcome = Outcome.Handled },
        ],
        "500");

    public static Task<IResult> ListAsync(ApiCall call) => Task.FromResult(List(call));

    private static IResult List(ApiCall call)
    {
        var page = call.Page;
        if (page.Runner.Find(page.Route("operation")) is not { } operation)
        {
            return OtherInstances.Find(page, page.Route("operation")) is null ? OperationPages.NotFound(page) : ApiAnswer.Problem(
                StatusCodes.Status409Conflict, "On another instance", "Only the instance that ran an operation has the list of its messages.", "The operation itself shows the outcomes.");
        }
        if (operation.Result is not { } result)
            return ApiAnswer.Problem(StatusCodes.Status409Conflict, "No result", operation.Problem ?? "It has not ended.", "Ask for the operation until its state is ended.");
        var (skip, limit) = (SkipOf(call), call.Limit(Normal, Most));
        var moved = result.Later?.Replayed ?? result.Replayed;
        var all = (long)moved.Count + result.Refused.Count + result.Doubts.Count;
        var messages = moved.Select(ApiMessage.Of).Concat(result.Refused.Select(ApiMessage.Of)).Concat(result.Doubts.Select(ApiMessage.Of)).Skip(skip).Take(limit);
        return ApiAnswer.Ok(new ApiMessages([.. messages], skip + limit < all ? (skip + limit).ToString(CultureInfo.InvariantCulture) : null));
    }

    private static int SkipOf(ApiCall call) => call.Query("cursor") is not { } cursor ? 0
        : int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var skip) && skip <= int.MaxValue - Most ? skip
        : throw new ApiInputException("cursor", "The cursor is not a nextCursor of this list.");
}

/// <summary>What an operation did with a message; of a dry run, what it would do.</summary>
internal enum ApiMove
{
    Moved,
    Refused,
    NotConfirmed,
}

/// <summary>A message of an operation, masked.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null if it has none.</param>
/// <param name="Move">What was done with it.</param>
internal sealed record ApiMessage(string Id, string? MessageId, ApiMove Move)
{
    /// <summary>The stamp of the replay on its copy; null if there is none.</summary>
    public string? ReplayId { get; init; }

    /// <summary>The queue that it went to, or would go to.</summary>
    public string? Target { get; init; }

    public VerdictKind? Verdict { get; init; }

    /// <summary>The warning, or why it was refused.</summary>
    public string? Text { get; init; }

    /// <summary>Whether it was refused only because of an earlier message of its key.</summary>
    public bool IsHeldBack { get; init; }

    public Outcome? Outcome { get; init; }

    /// <summary>The new dead letter; null if there is none.</summary>
    public ApiNewLetter? NewLetter { get; init; }

    /// <summary>What the application reported; null if nothing.</summary>
    public ApiReported? Reported { get; init; }

    public static ApiMessage Of(Replayed message) => new(message.Id, Shown(message.MessageId), ApiMove.Moved)
    {
        ReplayId = message.ReplayId.Length > 0 ? message.ReplayId : null,
        Target = message.Target.Length > 0 ? message.Target : null,
        Verdict = message.Verdict.Kind,
        Text = message.Verdict.Text.Length > 0 ? message.Verdict.Text : null,
        Outcome = message.Outcome,
        NewLetter = message.NewLetter is { } letter ? new ApiNewLetter(letter.Queue, letter.Id, letter.ExceptionType, Masking.Text(letter.Reason)) : null,
        Reported = message.Reported is { } reported ? ApiReported.Of(reported) : null,
    };

    public static ApiMessage Of(Refusal refusal) => new(refusal.Id, Shown(refusal.MessageId), ApiMove.Refused) { Text = refusal.Why, IsHeldBack = refusal.IsHeldBack };

    public static ApiMessage Of(Doubt doubt) => new(doubt.Id, Shown(doubt.MessageId), ApiMove.NotConfirmed) { ReplayId = doubt.ReplayId };

    private static string? Shown(string? messageId) => messageId is null ? null : Shared.Format.IdOf(messageId, "");
}

/// <summary>The dead letter that a replayed message became.</summary>
internal sealed record ApiNewLetter(string? Queue, string Id, string? ExceptionType, string Reason);

/// <summary>What the application reported about the outcome of a message.</summary>
internal sealed record ApiReported(DateTimeOffset At, string? Consumer, string? Version, double? Milliseconds, DateTimeOffset? Until, string? ExceptionType, string? Reason)
{
    public static ApiReported Of(ReportedOutcome reported) => new(
        reported.At, reported.Consumer, reported.Version, reported.Milliseconds, reported.Until, reported.ExceptionType, reported.Reason is { } reason ? Masking.Text(reason) : null);
}
