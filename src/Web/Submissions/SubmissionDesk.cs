using System.Data.Common;
using WorkinIt.Contracts;

namespace WorkinIt.Web.Submissions;

/// <summary>What the person or the program at the desk is told.</summary>
internal enum Acceptance
{
    /// <summary>Committed: it is never lost from here on. Said again for the same submission.</summary>
    Accepted,

    /// <summary>The id was used for another address or thought.</summary>
    Conflict,

    /// <summary>The store can't commit now.</summary>
    Unavailable,
}

/// <summary>Takes submissions in. "Accepted" is said once the store has committed; the broker may be away.</summary>
internal sealed partial class SubmissionDesk(SubmissionStore store, SubmissionRelay relay, TimeProvider time, ILogger<SubmissionDesk> log)
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(4);

    /// <param name="id">Names the submission: who sends the same again, for whatever reason, has sent it once.</param>
    /// <param name="submission">What was submitted.</param>
    /// <param name="cancellationToken">The request's.</param>
    public async Task<Acceptance> AcceptAsync(Guid id, NewSubmission submission, CancellationToken cancellationToken)
    {
        var command = new SendGifEmail(id, submission.Email, submission.Thought, time.GetUtcNow());
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_deadline);
        try
        {
            switch (await store.AddAsync(command, deadline.Token))
            {
                case Addition.Added:
                    LogAccepted(log, id);
                    relay.Hand(command);
                    return Acceptance.Accepted;
                case Addition.Known:
                    return Acceptance.Accepted;
                default:
                    return Acceptance.Conflict;
            }
        }
        catch (Exception e) when (e is DbException or IOException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            LogUnavailable(log, id, e.GetType().Name, (e as DbException)?.Message ?? "no answer in time");
            return Acceptance.Unavailable;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Accepted {SubmissionId}")]
    private static partial void LogAccepted(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Error, Message = "The store could not commit {SubmissionId} ({Kind}: {Reason}): check ConnectionStrings__Submissions, the disk, and that --migrate was run")]
    private static partial void LogUnavailable(ILogger log, Guid submissionId, string kind, string reason);
}
