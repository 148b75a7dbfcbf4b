using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Web.Submissions;

/// <summary>What became of an attempt to add a submission.</summary>
internal enum Addition
{
    /// <summary>It is new, and committed.</summary>
    Added,

    /// <summary>It was there: same id, same address, same thought.</summary>
    Known,

    /// <summary>Its id stands for something else.</summary>
    Conflict,

    /// <summary>Its recipient has had as many as may be for now.</summary>
    TooMany,
}

/// <summary>The submissions, before the broker and beyond it: what is in here was accepted, and is never lost.</summary>
internal sealed class SubmissionStore(Database database, GroupCommit writer, TimeProvider time)
{
    // Not "email IS NOT NULL": SQLite would take that for a sign to use the index of all that have one, and go through a month's submissions each
    // second.
    internal const string UnconfirmedOnes = """
        SELECT id, email, thought, accepted_at FROM submissions
        WHERE confirmed_at IS NULL AND accepted_at <= @before AND email || '' IS NOT NULL
        ORDER BY accepted_at LIMIT @limit
        """;

    /// <summary>Queued or delayed, in digits: an index is used where the words of a condition are its own.</summary>
    internal const string IsOpen = "state IN (1, 2)";

    internal const string MissingOnes = $"""
        SELECT id, email, thought, accepted_at FROM submissions
        WHERE {IsOpen} AND confirmed_at <= @before AND COALESCE(next_try_at, 0) <= @before AND COALESCE(check_after, 0) <= @now AND email || '' IS NOT NULL
        ORDER BY confirmed_at LIMIT @limit
        """;

    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);

    private readonly SubmissionConfirms _confirms = new(database, writer, time);
    private readonly WriteProbe _probe = new(writer, AddSubmissionsProbe.Table);

    /// <summary>Commits a change that means nothing, as a submission would be committed.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DbException">It can't be.</exception>
    public Task ProbeAsync(CancellationToken cancellationToken) => _probe.WriteAsync(cancellationToken);

    /// <summary>Commits a submission, or finds that its id is taken.</summary>
    /// <param name="command">The submission.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="perRecipientPerHour">So many may go to one recipient; 0: any number.</param>
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

    /// <summary>How long it takes until one more may go to a recipient.</summary>
    public TimeSpan WaitFor(string email, int perRecipientPerHour)
    {
        using var connection = database.OpenToRead();
        var recent = Recent(connection, Recipient.HashOf(email), perRecipientPerHour);
        var until = recent.Count < perRecipientPerHour ? TimeSpan.Zero : DateTimeOffset.FromUnixTimeMilliseconds(recent[^1]) + _hour - time.GetUtcNow();
        return until > TimeSpan.Zero ? until : TimeSpan.Zero;
    }

    /// <summary>Finds one; null where there is none.</summary>
    public Submission? Find(Guid id) => database.Read(statements => statements.Row(
        "SELECT state, attempt, accepted_at, sent_at, next_try_at, gif, blocked_at, discarded_at FROM submissions WHERE id = @id",
        row =>
        {
            return new Submission(id, (SubmissionState)row.GetInt16(0), row.GetInt32(1), Time(2)!.Value, Time(3), Time(4), row.IsDBNull(5) ? null : row.GetString(5), Time(6), Time(7));

            DateTimeOffset? Time(int column) => SubmissionStore.Time(row.IsDBNull(column) ? null : row.GetInt64(column));
        },
        ("id", Key(id))));

    /// <summary>Finds several at once, in one query.</summary>
    public IReadOnlyList<Submission> Find(IReadOnlyCollection<Guid> ids)
    {
        using var connection = database.OpenToRead();
        return [.. connection.Query<Row>(
            $"SELECT id, state, attempt, accepted_at, sent_at, next_try_at, gif, blocked_at, discarded_at FROM submissions WHERE id {database.OneOf("@ids")}", new { ids = ids.Select(Key).ToArray() })
            .Select(row => Read(Guid.ParseExact(row.Id!, "N"), row))];
    }

    /// <summary>What was typed; null where there is no such submission, or after <c>Submissions__KeepFor</c>.</summary>
    public NewSubmission? FindTyped(Guid id) => database.Read(statements => statements.Row(
        "SELECT email, thought FROM submissions WHERE id = @id AND email IS NOT NULL",
        static row => new NewSubmission(row.GetString(0), row.GetString(1)),
        ("id", Key(id))));

    /// <summary>What the broker has not confirmed, the oldest first.</summary>
    /// <param name="olderThan">Leaves out what is just being published.</param>
    /// <param name="limit">At most so many.</param>
    public IReadOnlyList<SendGifEmail> Unconfirmed(TimeSpan olderThan, int limit)
    {
        using var connection = database.OpenToRead();
        return [.. connection.Query<Row>(
            UnconfirmedOnes,
            new { before = (time.GetUtcNow() - olderThan).ToUnixTimeMilliseconds(), limit })
            .Select(ToCommand)];
    }

    /// <summary>What the broker had confirmed, and nothing was heard of since: no event, or none after the time of the next try.</summary>
    /// <param name="silence">For how long.</param>
    /// <param name="limit">At most so many.</param>
    public IReadOnlyList<SendGifEmail> Missing(TimeSpan silence, int limit)
    {
        using var connection = database.OpenToRead();
        var now = time.GetUtcNow();
        return [.. connection.Query<Row>(MissingOnes, new { before = (now - silence).ToUnixTimeMilliseconds(), now = now.ToUnixTimeMilliseconds(), limit })
            .Select(ToCommand)];
    }

    /// <summary>It was published again. The older it is, the longer until the next time, so that few copies come of one whose events are lost.</summary>
    public Task PublishedAgainAsync(SendGifEmail command, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return writer.WriteAsync(
            statements => statements.Execute(
                "UPDATE submissions SET check_after = @after WHERE id = @id",
                ("id", Key(command.SubmissionId)), ("after", (now + (now - command.SubmittedAt)).ToUnixTimeMilliseconds())),
            cancellationToken);
    }

    /// <summary>The broker has confirmed it. An event that was faster is not overwritten.</summary>
    public Task ConfirmedAsync(Guid id) => _confirms.AddAsync(id);

    /// <summary>An event about a try. Of two tries the higher counts, and nothing comes after "sent".</summary>
    public Task AdvanceAsync(
        Guid id, SubmissionState state, int attempt, CancellationToken cancellationToken,
        DateTimeOffset? sentAt = null, DateTimeOffset? nextTryAt = null, string? gif = null, DateTimeOffset? blockedAt = null) =>
        WriteAsync("""
            UPDATE submissions SET state = @state, attempt = @attempt, sent_at = @sentAt, next_try_at = @nextTryAt, gif = @gif, blocked_at = @blockedAt, discarded_at = NULL,
              confirmed_at = COALESCE(confirmed_at, @now)
            WHERE id = @id AND state <> @sent AND attempt <= @attempt
            """, id, cancellationToken, state, attempt, sentAt, nextTryAt, gif, blockedAt);

    /// <summary>It failed in a way that tells no number of the try.</summary>
    public Task FailedAsync(Guid id, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE submissions SET state = @state, next_try_at = NULL, blocked_at = NULL, discarded_at = NULL, confirmed_at = COALESCE(confirmed_at, @now)
            WHERE id = @id AND state <> @sent
            """, id, cancellationToken, SubmissionState.Failed);

    /// <summary>An operator has discarded its dead letter: unless it was sent, or restored since.</summary>
    public Task DiscardedAsync(Guid id, DateTimeOffset at, CancellationToken cancellationToken) =>
        DecidedAsync("""
            UPDATE submissions SET state = CASE WHEN state = @held THEN state ELSE @failed END, next_try_at = NULL, discarded_at = @at
            WHERE id = @id AND state <> @sent AND (restored_at IS NULL OR restored_at < @at)
            """, id, at, cancellationToken);

    /// <summary>An operator has restored it: it is a dead letter again.</summary>
    public Task RestoredAsync(Guid id, DateTimeOffset at, CancellationToken cancellationToken) =>
        DecidedAsync("""
            UPDATE submissions SET restored_at = @at, discarded_at = CASE WHEN discarded_at > @at THEN discarded_at END
            WHERE id = @id AND (restored_at IS NULL OR restored_at < @at)
            """, id, at, cancellationToken);

    /// <summary>Takes address and thought out of old submissions; state and hash stay.</summary>
    /// <param name="olderThan">Their age.</param>
    /// <param name="limit">At most so many at once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many.</returns>
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

    /// <summary>After a purge: the log holds what was taken out until its place is needed, which may be weeks where little is submitted.</summary>
    /// <returns>Whether nothing is left in it.</returns>
    public bool EmptyLog() => database.EmptyLog();

    // The latest of the last hour, at most as many as may be.
    private List<long> Recent(DbConnection connection, long recipient, int most) => connection.Query<long>(
        "SELECT accepted_at FROM submissions WHERE recipient = @recipient AND accepted_at > @since ORDER BY accepted_at DESC LIMIT @most",
        new { recipient, since = (time.GetUtcNow() - _hour).ToUnixTimeMilliseconds(), most }).AsList();

    // Events may arrive in another order than they were sent in: their own times count.
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
        ];
        return writer.WriteAsync(statements => statements.Execute(sql, parameters), cancellationToken);
    }

    private static SendGifEmail ToCommand(Row row) => new(Guid.ParseExact(row.Id!, "N"), row.Email!, row.Thought!, Time(row.Accepted_At)!.Value);

    private static Submission Read(Guid id, Row row) => new(
        id, (SubmissionState)row.State, row.Attempt, Time(row.Accepted_At)!.Value, Time(row.Sent_At), Time(row.Next_Try_At), row.Gif, Time(row.Blocked_At), Time(row.Discarded_At));

    internal static string Key(Guid id) => id.ToString("N");

    private static DateTimeOffset? Time(long? milliseconds) =>
        milliseconds is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;

    // Named as the columns are: Dapper maps by name, and SQLite's integers are all 64 bits wide.
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
