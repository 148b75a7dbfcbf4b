using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>Writes the audit entries of operations.</summary>
internal sealed class AuditedOperations(DeadLetterServices services)
{
    /// <summary>The entry of an operation that begins now. It is not written yet.</summary>
    public AuditEntry Begin(OperationRequest request, string verb) => new()
    {
        Id = request.OperationId ?? NewId(),
        At = services.Time.GetUtcNow(),
        By = request.By,
        Verb = verb,
        Queue = request.Queue,
        Source = services.Options.Source,
        Filter = request.Filter.ToString(),
    };

    /// <summary>Does the work of an operation, and ends its audit entry however the work ends.</summary>
    /// <param name="entry">The entry as it was written at the start.</param>
    /// <param name="mover">Counts what was moved.</param>
    /// <param name="now">The entry with what the work adds to it.</param>
    /// <param name="work">The work; returns why it ended early, or null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<OperationResult> RunAsync(
        AuditEntry entry, Mover mover, Func<AuditEntry> now, Func<Task<string?>> work, CancellationToken cancellationToken)
    {
        string? stopped = null;
        await using var notices = new FeedNotices(services.Options, entry);
        (mover.Notices, mover.OperationId) = (notices, entry.Id);
        mover.Report(waiting: false, always: true);
        try
        {
            stopped = await work();
            if (cancellationToken.IsCancellationRequested)
                stopped = InDoubt("Cancelled: messages that were not moved are still in the queue", mover.Tally.Doubts);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = InDoubt("Cancelled: messages that were not moved are still in the queue", mover.Tally.Doubts);
        }
        catch (Exception e)
        {
            stopped = InDoubt(Why(e), mover.Tally.Doubts);
            if (e is not DeadLetterException problem || mover.Tally.Doubts.Count == 0)
                throw;
            throw new DeadLetterException(problem.Problem, stopped, e);
        }
        finally
        {
            if (mover.Tracker is { } tracker)
                notices.AddOutcomes(tracker.Messages);
            await services.Audit.WriteAsync(now() with
            {
                EndedAt = services.Time.GetUtcNow(),
                Selected = mover.Selected,
                Done = mover.Done,
                Refused = mover.Tally.Refused.Count,
                Problem = stopped ?? "",
                Messages = mover.Tally.Messages,
                Results = mover.Results,
                Doubts = mover.Tally.Doubts,
            }, CancellationToken.None);
        }
        return new OperationResult(entry.Id, entry.Queue, mover.Selected, mover.Done, [.. mover.Tally.Refused], mover.Replayed, stopped)
        {
            Held = mover.Held,
            Doubts = mover.Tally.Doubts,
        };
    }

    /// <summary>The result of an operation on an empty queue: nothing was done, so the audit log has no entry.</summary>
    /// <param name="queue">The queue.</param>
    public static OperationResult OfEmpty(string queue) => new("", queue, 0, 0, [], [], null);

    /// <summary>The reason in an entry: whatever the exception, the operation has ended.</summary>
    public static string Why(Exception e) => e switch
    {
        DeadLetterException => e.Message,
        OperationCanceledException => "Cancelled",
        _ => $"Failed ({e.GetType().Name})",
    };

    /// <summary>A new operation's id.</summary>
    public static string NewId() => Guid.CreateVersion7().ToString("N");

    /// <summary>A message for an operator, with the ids of the messages that may be in two queues.</summary>
    public static string InDoubt(string message, IReadOnlyList<Doubt> doubts) => doubts.Count == 0 ? message
        : $"{message}. Published, but never confirmed or never acknowledged here, so still in this queue and possibly in their target queue too (the next replay resolves them): {string.Join(", ", doubts.Take(20).Select(doubt => doubt.MessageId ?? doubt.Id))}{(doubts.Count > 20 ? string.Create(CultureInfo.InvariantCulture, $" and {doubts.Count - 20:N0} more, listed in the audit log") : "")}";
}
