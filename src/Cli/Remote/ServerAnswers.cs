using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>What the server's API returns, in the library's types.</summary>
internal static class ServerAnswers
{
    public static DeadLetterQueue Queue(ApiQueue queue) => new(queue.Name, queue.Messages, queue.InputQueue, queue.IsDiscarded, queue.AccessWarning) { Hidden = queue.Hidden, HidesReadMessages = queue.HidesReadMessages };

    public static CauseGroup Group(ApiCause cause)
    {
        var known = new Cause(cause.Id, cause.ExceptionType, cause.Text, cause.Frame);
        return new CauseGroup(known, cause.Count, cause.First, cause.Last, cause.NewestLetter ?? "ID", cause.MessageTypes, [new CauseVariant(cause.Text, cause.Count, known.VariantId)], 0);
    }

    public static ListedLetter Listed(ApiLetter letter) => new(
        letter.Id, letter.MessageId == letter.Id ? null : letter.MessageId, null, null, letter.ExceptionType, letter.Reason, letter.Cause, letter.At, null, letter.MessageType is { } type ? [type] : [], letter.Replays, letter.Size);

    public static AuditEntry Entry(ApiAuditEntry entry) => new()
    {
        Id = entry.Id,
        At = entry.At,
        By = entry.By,
        Verb = entry.Verb,
        Queue = entry.Queue,
        Source = entry.Source,
        Filter = entry.Filter,
        EndedAt = entry.EndedAt,
        Selected = entry.Selected,
        Done = entry.Done,
        Refused = entry.Refused,
        Problem = entry.Problem,
        Messages = entry.Messages,
        Results = entry.Results,
    };
}
