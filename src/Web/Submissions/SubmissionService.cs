using System.Data.Common;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using WorkinIt.Contracts;
using WorkinIt.Messaging;
using WorkinIt.Web.Limits;

namespace WorkinIt.Web.Submissions;

/// <summary>What the person or the program at the desk is told.</summary>
internal abstract record Acceptance
{
    /// <summary>Committed: it is never lost from here on.</summary>
    /// <param name="At">When; null when the same was accepted before.</param>
    internal sealed record Accepted(DateTimeOffset? At) : Acceptance;

    /// <summary>The id was used for another address or thought.</summary>
    internal sealed record Conflict : Acceptance;

    /// <summary>The store can't commit now.</summary>
    internal sealed record Unavailable : Acceptance;

    /// <summary>The client has sent as many as it may for now, or the recipient was sent as many.</summary>
    /// <param name="Wait">Until the next may be sent, or a little more.</param>
    /// <param name="Text">For the person.</param>
    internal sealed record TooMany(TimeSpan Wait, string Text) : Acceptance
    {
        /// <summary>For the header.</summary>
        public string RetryAfter => Math.Ceiling(Math.Max(Wait.TotalSeconds, 1)).ToString(CultureInfo.InvariantCulture);

        internal static TooMany OfClient(TimeSpan wait) =>
            new(wait, $"Those were many thoughts in a short time. This one was not sent: try again in {Seconds(wait)}.");

        internal static TooMany ForRecipient(TimeSpan wait) =>
            new(wait, $"This address has had enough mails for now. Your thought was not sent: try again in {Seconds(wait)}.");

        private static string Seconds(TimeSpan wait) => wait.TotalSeconds switch
        {
            <= 1 => "a second",
            < 120 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalSeconds):0} seconds"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalMinutes):0} minutes"),
        };
    }
}

/// <summary>Takes submissions in. "Accepted" is said once the store has committed; the broker may be away.</summary>
internal sealed partial class SubmissionService(
    SubmissionStore store, SubmissionRelay relay, ClientLimit clients, IOptions<LimitOptions> limits, TimeProvider time, ILogger<SubmissionService> log)
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(4);

    /// <param name="from">The client's address.</param>
    /// <param name="id">Names the submission: who sends the same again, for whatever reason, has sent it once.</param>
    /// <param name="submission">What was submitted.</param>
    /// <param name="cancellationToken">The request's.</param>
    public async Task<Acceptance> AcceptAsync(IPAddress? from, Guid id, NewSubmission submission, CancellationToken cancellationToken)
    {
        using var scope = log.BeginSubmissionScope(id);
        // Who says the same again is told the same again.
        if (clients.Try(from) is { } wait && !IsKnown(id))
            return Acceptance.TooMany.OfClient(wait);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()); // as the store keeps it
        var command = new SendGifEmail(id, submission.Email, submission.Thought, now);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_deadline);
        try
        {
            switch (await store.AddAsync(command, deadline.Token, limits.Value.PerRecipientPerHour))
            {
                case Addition.Added:
                    LogAccepted(log, id);
                    SubmissionTelemetry.Accepted();
                    relay.Hand(command);
                    return new Acceptance.Accepted(command.SubmittedAt);
                case Addition.Known:
                    return new Acceptance.Accepted(At: null);
                case Addition.TooMany:
                    LogTooMany(log, id);
                    return Acceptance.TooMany.ForRecipient(store.WaitFor(command.EmailAddress, limits.Value.PerRecipientPerHour));
                default:
                    return new Acceptance.Conflict();
            }
        }
        catch (Exception e) when (e is DbException or IOException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            LogUnavailable(log, id, e.GetType().Name, (e as DbException)?.Message ?? "no answer in time");
            return new Acceptance.Unavailable();
        }
    }

    private bool IsKnown(Guid id)
    {
        try
        {
            return store.Find(id) is not null;
        }
        catch (DbException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Accepted {SubmissionId}")]
    private static partial void LogAccepted(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused {SubmissionId}: its recipient has had Limits__PerRecipientPerHour")]
    private static partial void LogTooMany(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Error, Message = "The store could not commit {SubmissionId} ({Kind}: {Reason}): check ConnectionStrings__Submissions, the disk, and that --migrate was run")]
    private static partial void LogUnavailable(ILogger log, Guid submissionId, string kind, string reason);
}
