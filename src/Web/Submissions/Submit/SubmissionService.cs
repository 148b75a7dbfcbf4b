using System.Data.Common;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using WorkinIt.Contracts;
using WorkinIt.Messaging;
using WorkinIt.Web.Limits;

namespace WorkinIt.Web.Submissions;

/// <summary>The result of an attempt to submit.</summary>
internal abstract record Acceptance
{
    /// <summary>Stored: from here on it is never lost.</summary>
    /// <param name="At">When it was stored; null if the same submission was accepted before.</param>
    internal sealed record Accepted(DateTimeOffset? At) : Acceptance;

    /// <summary>The id was already used with a different address or thought.</summary>
    internal sealed record Conflict : Acceptance;

    /// <summary>The store failed or did not answer in time: the submission may be stored or not.</summary>
    internal sealed record Unavailable : Acceptance;

    /// <summary>The limit of the client or of the recipient is reached.</summary>
    /// <param name="Wait">How long to wait before the next submission; can be slightly longer than necessary.</param>
    /// <param name="Text">The text for the user.</param>
    internal sealed record TooMany(TimeSpan Wait, string Text) : Acceptance
    {
        /// <summary>The value of the <c>Retry-After</c> header, in seconds.</summary>
        public string RetryAfter => Math.Ceiling(Math.Max(Wait.TotalSeconds, 1)).ToString(CultureInfo.InvariantCulture);

        internal static TooMany OfClient(TimeSpan wait) =>
            new(wait, $"Too many thoughts in a short time. This one was not sent: try again in {Seconds(wait)}.");

        internal static TooMany ForRecipient(TimeSpan wait) =>
            new(wait, $"This address has reached its mail limit for now. Your thought was not sent: try again in {Seconds(wait)}.");

        private static string Seconds(TimeSpan wait) => wait.TotalSeconds switch
        {
            <= 1 => "a second",
            < 120 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalSeconds):0} seconds"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalMinutes):0} minutes"),
        };
    }
}

/// <summary>Accepts submissions. A submission is accepted once the store has committed it; the broker may be down.</summary>
internal sealed partial class SubmissionService(
    SubmissionStore store, SubmissionRelay relay, ClientLimit clients, IOptions<LimitOptions> limits, TimeProvider time, ILogger<SubmissionService> log)
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(4);

    /// <param name="from">The client's IP address.</param>
    /// <param name="id">The id of the submission. Sending the same submission again with the same id has no effect.</param>
    /// <param name="submission">The submission.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<Acceptance> AcceptAsync(IPAddress? from, Guid id, NewSubmission submission, CancellationToken cancellationToken)
    {
        using var scope = log.BeginSubmissionScope(id);
        // A repeated submission gets the same answer as before, even over the limit.
        if (clients.Try(from) is { } wait && !IsKnown(id))
            return Acceptance.TooMany.OfClient(wait);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()); // the precision of the store
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused {SubmissionId}: its recipient has reached Limits__PerRecipientPerHour")]
    private static partial void LogTooMany(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Error, Message = "The store did not confirm {SubmissionId}, so it may be stored or not ({Kind}: {Reason}): check ConnectionStrings__Submissions, the disk, and that --migrate was run")]
    private static partial void LogUnavailable(ILogger log, Guid submissionId, string kind, string reason);
}
