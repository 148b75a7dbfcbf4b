using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// The store of accepted submissions and their states. It is also part of the outbox: an accepted submission is never lost, even while the
/// broker is down.
/// </summary>
internal sealed class SubmissionStore(Database database, GroupCommit writer, TimeProvider time)
{
    // Not "email IS NOT NULL": SQLite would then use the index of submissions with an e-mail address, and scan a month's submissions each
    // second.
    internal const string UnconfirmedOnes = """
        SELECT id, email, thought, accepted_at FROM submissions
        WHERE confirmed_at IS NULL AND accepted_at <= @before AND email || '' IS NOT NULL
        ORDER BY accepted_at LIMIT @limit
        """;

    /// <summary>Queued or delayed. As literals, because a partial index is used only if the query has the same condition text.</summary>
    internal const string IsOpen = "state IN (1, 2)";

    internal const string MissingOnes = $"""
        SELECT id, email, thought, accepted_at FROM submissions
        WHERE {IsOpen} AND confirmed_at <= @before AND COALESCE(next_try_at, 0) <= @before AND COALESCE(check_after, 0) <= @now AND email || '' IS NOT NULL
        ORDER BY confirmed_at LIMIT @limit
        """;

    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);

    private readonly SubmissionConfirms _confirms = new(database, writer, time);
    private readonly WriteProbe _probe = new(writer, AddSubmissionsProbe.Table);

    /// <summary>Commits a write without effect, in the same way as a submission.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="DbException">The write failed.</exception>
    public Task ProbeAsync(CancellationToken cancellationToken) => _probe.WriteAsync(cancellationToken);

    /// <summary>Commits a submission, or reports that its id is already used.</summary>
    /// <param name="command">The submission.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <param name="perRecipientPerHour">The maximum to one recipient in an hour; 0: no limit.</param>
    public Task<Addition> AddAsync(SendGifEmail command, CancellationToken cancellationToken, int perRecipientPerHour = 0)
    {
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{command.SubmissionId:N}\n{command.EmailAddress}\n{command.Thought}")));
        var recipient = Recipient.HashOf(command.EmailAddress);
        (string, object?)[] row =
        [
            ("id", Key(command.SubmissionId)),
            ("email", command.EmailAddress),
            ("thought", command.Thought),
            ("hash", hash),
            ("state", (short)SubmissionState.Accepted),
            ("acceptedAt", command.SubmittedAt.ToUnixTimeMilliseconds()),
            ("recipient", recipient),
            ("since", (time.GetUtcNow() - _hour).ToUnixTimeMilliseconds()),
            ("most", perRecipientPerHour),
        ];
        return writer.WriteAsync(
            statements =>
            {
                if (perRecipientPerHour > 0
                    && statements.Scalar<int>("SELECT COUNT(*) FROM (SELECT id FROM submissions WHERE recipient = @recipient AND accepted_at > @since LIMIT @most) AS recent", row) == perRecipientPerHour
                    && statements.Scalar<string>("SELECT id FROM submissions WHERE id = @id", row) is null)
                    return Addition.TooMany;
                var added = statements.Execute("""
                    INSERT INTO submissions (id, email, thought, body_hash, state, attempt, accepted_at, recipient)
                    VALUES (@id, @email, @thought, @hash, @state, 0, @acceptedAt, @recipient)
                    ON CONFLICT (id) DO NOTHING
                    """, row);
                if (added == 1)
                    return Addition.Added;
                return statements.Scalar<string>("SELECT body_hash FROM submissions WHERE id = @id", row) == hash ? Addition.Known : Addition.Conflict;
            },
            cancellationToken,
            exclusive: perRecipientPerHour > 0 ? recipient : null);
    }

    /// <summary>The time until one more submission to a recipient is allowed.</summary>
    public TimeSpan WaitFor(string email, int perRecipientPerHour)
    {
        using var connection = database.OpenToRead();
        var recent = Recent(connection, Recipient.HashOf(email), perRecipientPerHour);
        var until = recent.Count < perRecipientPerHour ? TimeSpan.Zero : DateTimeOffset.FromUnixTimeMilliseconds(recent[^1]) + _hour - time.GetUtcNow();
        return until > TimeSpan.Zero ? until : TimeSpan.Zero;
    }

    /// <summary>Finds a submission; null if it does not exist.</summary>
    public Submission? Find(Guid id) => database.Read(statements => statements.Row(
        "SELECT state, attempt, accepted_at, sent_at, next_try_at, gif, blocked_at, discarded_at FROM submissions WHERE id = @id",
        row =>
        {
            return new Submission(id, (SubmissionState)row.GetInt16(0), row.GetInt32(1), Time(2)!.Value, Time(3), Time(4), row.IsDBNull(5) ? null : row.GetString(5), Time(6), Time(7));

            DateTimeOffset? Time(int column) => SubmissionStore.Time(row.IsDBNull(column) ? null : row.GetInt64(column));
        },
        ("id", Key(id))));

    /// <summary>Finds several submissions in one query.</summary>
    public IReadOnlyList<Submission> Find(IReadOnlyCollection<Guid> ids)
    {
        using var connection = database.OpenToRead();
        return [.. connection.Query<Row>(
            $"SELECT id, state, attempt, accepted_at, sent_at, next_try_at, gif, blocked_at, discarded_at FROM submissions WHERE id {database.OneOf("@ids")}", new { ids = ids.Select(Key).ToArray() })
            .Select(row => Read(Guid.ParseExact(row.Id!, "N"), row))];
    }

    /// <summary>The address and the thought; null if the submission does not exist, or after <c>Submissions__KeepFor</c>.</summary>
    public NewSubmission? FindTyped(Guid id) => database.Read(statements => statements.Row(
        "SELECT email, thought FROM submissions WHERE id = @id AND email IS NOT NULL",
        static row => new NewSubmission(row.GetString(0), row.GetString(1)),
        ("id", Key(id))));

    /// <summary>The submissions that the broker has not confirmed, the oldest first.</summary>
    /// <param name="olderThan">The minimum age, which leaves out submissions that are being published now.</param>
    /// <param name="limit">The maximum number of submissions.</param>
    public IReadOnlyList<SendGifEmail> Unconfirmed(TimeSpan olderThan, int limit)
    {
        using var connection = database.OpenToRead();
        return [.. connection.Query<Row>(
            UnconfirmedOnes,
            new { before = (time.GetUtcNow() - olderThan).ToUnixTimeMilliseconds(), limit })
            .Select(ToCommand)];
    }

    /// <summary>The submissions that the broker confirmed and that had no event since, or none after the time of the next attempt.</summary>
    /// <param name="silence">The minimum time without an event.</param>
    /// <param name="limit">The maximum number of submissions.</param>
    public IReadOnlyList<SendGifEmail> Missing(TimeSpan silence, int limit)
    {
        using var connection = database.OpenToRead();
        var now = time.GetUtcNow();
        return [.. connection.Query<Row>(MissingOnes, new { before = (now - silence).ToUnixTimeMilliseconds(), now = now.ToUnixTimeMilliseconds(), limit })
            .Select(ToCommand)];
    }

    /// <summary>
    /// Records that a submission was published again. The older it is, the later it is checked next, so that a submission whose events are lost
    /// gets few copies.
    /// </summary>
    public Task PublishedAgainAsync(SendGifEmail command, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return writer.WriteAsync(
            statements => statements.Execute(
                "UPDATE submissions SET check_after = @after WHERE id = @id",
                ("id", Key(command.SubmissionId)), ("after", (now + (now - command.SubmittedAt)).ToUnixTimeMilliseconds())),
            cancellationToken);
    }

    /// <summary>Records that the broker has confirmed a submission. A newer state, from an event that arrived earlier, is not overwritten.</summary>
    public Task ConfirmedAsync(Guid id) => _confirms.AddAsync(id);

    /// <summary>
    /// Applies an event about an attempt. The event with the higher attempt number wins, and "sent" is final. A failure after "held", even with a
    /// delay in between, does not show that the earlier mail did not arrive, so it becomes "held" again.
    /// </summary>
    public Task AdvanceAsync(
        Guid id, SubmissionState state, int attempt, CancellationToken cancellationToken,
        DateTimeOffset? sentAt = null, DateTimeOffset? nextTryAt = null, string? gif = null, DateTimeOffset? blockedAt = null) =>
        WriteAsync("""
            UPDATE submissions SET state = CASE WHEN @state = @failed AND (state = @held OR was_held = 1) THEN @held ELSE @state END,
              was_held = CASE WHEN @state = @held THEN 1 ELSE was_held END, attempt = @attempt, sent_at = @sentAt, next_try_at = @nextTryAt, gif = @gif, blocked_at = @blockedAt, discarded_at = NULL,
              confirmed_at = COALESCE(confirmed_at, @now)
            WHERE id = @id AND state <> @sent AND attempt <= @attempt
            """, id, cancellationToken, state, attempt, sentAt, nextTryAt, gif, blockedAt);

    /// <summary>Records a failure whose attempt number is unknown.</summary>
    public Task FailedAsync(Guid id, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE submissions SET state = CASE WHEN state = @held OR was_held = 1 THEN @held ELSE @state END, next_try_at = NULL, blocked_at = NULL, discarded_at = NULL, confirmed_at = COALESCE(confirmed_at, @now)
            WHERE id = @id AND state <> @sent
            """, id, cancellationToken, SubmissionState.Failed);

    /// <summary>Records that an operator discarded the dead letter, unless the submission was sent or has been restored since.</summary>
    public Task DiscardedAsync(Guid id, DateTimeOffset at, CancellationToken cancellationToken) =>
        DecidedAsync("""
            UPDATE submissions SET state = CASE WHEN state = @held OR was_held = 1 THEN @held ELSE @failed END, next_try_at = NULL, discarded_at = @at
            WHERE id = @id AND state <> @sent AND (restored_at IS NULL OR restored_at < @at)
            """, id, at, cancellationToken);

    /// <summary>Records that an operator restored the dead letter.</summary>
    public Task RestoredAsync(Guid id, DateTimeOffset at, CancellationToken cancellationToken) =>
        DecidedAsync("""
            UPDATE submissions SET restored_at = @at, discarded_at = CASE WHEN discarded_at > @at THEN discarded_at END
            WHERE id = @id AND (restored_at IS NULL OR restored_at < @at)
            """, id, at, cancellationToken);

    /// <summary>Removes address and thought from old submissions; state and hash stay.</summary>
    /// <param name="olderThan">The minimum age.</param>
    /// <param name="limit">The maximum number of submissions in one call.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of submissions that were purged.</returns>
    public Task<int> PurgeAsync(TimeSpan olderThan, int limit, CancellationToken cancellationToken)
    {
        var before = (time.GetUtcNow() - olderThan).ToUnixTimeMilliseconds();
        return writer.WriteAsync(
            (connection, transaction) => connection.Execute("""
                UPDATE submissions SET email = NULL, thought = NULL, recipient = NULL WHERE id IN
                  (SELECT id FROM submissions WHERE email IS NOT NULL AND accepted_at < @before AND confirmed_at IS NOT NULL LIMIT @limit)
                """, new { before, limit }, transaction),
            cancellationToken);
    }

    /// <summary>
    /// Empties the database log after a purge. Otherwise the log keeps the removed data until its space is reused, which may take weeks if there
    /// are few submissions.
    /// </summary>
    /// <returns>Whether the log is empty.</returns>
    public bool EmptyLog() => database.EmptyLog();

    // The times of the latest submissions in the last hour, up to the limit.
    private List<long> Recent(DbConnection connection, long recipient, int most) => connection.Query<long>(
        "SELECT accepted_at FROM submissions WHERE recipient = @recipient AND accepted_at > @since ORDER BY accepted_at DESC LIMIT @most",
        new { recipient, since = (time.GetUtcNow() - _hour).ToUnixTimeMilliseconds(), most }).AsList();

    // Events may arrive out of order, so their own times are compared.
    private Task<int> DecidedAsync(string sql, Guid id, DateTimeOffset at, CancellationToken cancellationToken)
    {
        (string, object?)[] parameters =
        [
            ("id", Key(id)),
            ("at", at.ToUnixTimeMilliseconds()),
            ("sent", (short)SubmissionState.Sent),
            ("held", (short)SubmissionState.Held),
            ("failed", (short)SubmissionState.Failed),
        ];
        return writer.WriteAsync(statements => statements.Execute(sql, parameters), cancellationToken);
    }

    private Task<int> WriteAsync(
        string sql, Guid id, CancellationToken cancellationToken,
        SubmissionState state = default, int attempt = 0, DateTimeOffset? sentAt = null, DateTimeOffset? nextTryAt = null, string? gif = null, DateTimeOffset? blockedAt = null)
    {
        (string, object?)[] parameters =
        [
            ("id", Key(id)),
            ("now", time.GetUtcNow().ToUnixTimeMilliseconds()),
            ("state", (short)state),
            ("attempt", attempt),
            ("sentAt", sentAt?.ToUnixTimeMilliseconds()),
            ("nextTryAt", nextTryAt?.ToUnixTimeMilliseconds()),
            ("gif", gif),
            ("blockedAt", blockedAt?.ToUnixTimeMilliseconds()),
            ("sent", (short)SubmissionState.Sent),
            ("held", (short)SubmissionState.Held),
            ("failed", (short)SubmissionState.Failed),
        ];
        return writer.WriteAsync(statements => statements.Execute(sql, parameters), cancellationToken);
    }

    private static SendGifEmail ToCommand(Row row) => new(Guid.ParseExact(row.Id!, "N"), row.Email!, row.Thought!, Time(row.Accepted_At)!.Value);

    private static Submission Read(Guid id, Row row) => new(
        id, (SubmissionState)row.State, row.Attempt, Time(row.Accepted_At)!.Value, Time(row.Sent_At), Time(row.Next_Try_At), row.Gif, Time(row.Blocked_At), Time(row.Discarded_At));

    internal static string Key(Guid id) => id.ToString("N");

    private static DateTimeOffset? Time(long? milliseconds) =>
        milliseconds is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;

    // Named like the columns, because Dapper maps by name. SQLite's integers are all 64 bits wide.
    private sealed class Row
    {
        public string? Id { get; set; }
        public string? Email { get; set; }
        public string? Thought { get; set; }
        public short State { get; set; }
        public int Attempt { get; set; }
        public long? Accepted_At { get; set; }
        public long? Sent_At { get; set; }
        public long? Next_Try_At { get; set; }
        public string? Gif { get; set; }
        public long? Blocked_At { get; set; }
        public long? Discarded_At { get; set; }
    }
}
