using System.Data.Common;
using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.Deliveries;

/// <summary>
/// What was sent, what was not, and what nobody knows: one row for each submission, asked before each send, written just before
/// the mail is handed over and right after it. All processes that send must share one.
/// </summary>
/// <param name="database">Where it stands.</param>
/// <param name="writer">Writes to it.</param>
/// <param name="time">The clock of the leases.</param>
public sealed class DeliveryLedger(Database database, GroupCommit writer, TimeProvider time)
{
    // Clocks of two machines differ a little; one that jumped back makes leases look endless.
    private static readonly TimeSpan _clockTolerance = TimeSpan.FromSeconds(5);

    // A row in this process's own name is free to it: it takes care that it works at a submission only once at a time.
    private const string FreeForOwner = "(deliveries.state IN (@notSent, @blocked) OR (deliveries.state = @sending AND deliveries.owner = @owner))";

    private readonly string _owner = Guid.NewGuid().ToString("N");
    private readonly WriteProbe _probe = new(writer, AddDeliveriesProbe.Table);
    private long _writes;

    /// <summary>The name of this process in the ledger.</summary>
    public string Owner => _owner;

    /// <summary>How many changes this process has asked for.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Commits a change that means nothing, as an outcome would be committed.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DbException">It can't be.</exception>
    public Task ProbeAsync(CancellationToken cancellationToken) => _probe.WriteAsync(cancellationToken);

    /// <summary>The ledger's mark; null where it has none yet.</summary>
    /// <exception cref="DbException">The database is out of reach.</exception>
    public LedgerMark? FindMark() => database.Read(statements => statements.Row(
        "SELECT ledger, number FROM ledger_mark WHERE id = 1", static row => new LedgerMark(row.GetString(0), row.GetInt64(1))));

    /// <summary>Raises the ledger's mark by one, and beyond another one.</summary>
    /// <param name="beyond">The number of the other one; 0: none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The mark, committed.</returns>
    public async Task<LedgerMark> GrowMarkAsync(long beyond, CancellationToken cancellationToken) => (await writer.WriteAsync(
        statements => statements.Row(
            """
            INSERT INTO ledger_mark (id, ledger, number) VALUES (1, @ledger, @beyond + 1)
            ON CONFLICT (id) DO UPDATE SET number = CASE WHEN ledger_mark.number > @beyond THEN ledger_mark.number ELSE @beyond END + 1
            RETURNING ledger, number
            """,
            static row => new LedgerMark(row.GetString(0), row.GetInt64(1)), ("ledger", Guid.NewGuid().ToString("N")), ("beyond", beyond)),
        cancellationToken))!;

    /// <summary>Looks a submission up.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <returns>Null when nothing was tried yet.</returns>
    public Delivery? Find(Guid submissionId) => database.Read(statements => statements.Row(
        "SELECT state, attempt, owner, taken_at, lease_until, sent_at, gif, detail, in_hand FROM deliveries WHERE submission_id = @id",
        row => Delivery(submissionId, row), ("id", submissionId.ToString("N"))));

    /// <summary>Whether somebody may be at it now.</summary>
    /// <param name="delivery">A row in the state <see cref="DeliveryState.Sending"/>.</param>
    public bool IsLeased(Delivery delivery)
    {
        var now = time.GetUtcNow();
        return delivery.TakenAt <= now + _clockTolerance && now < delivery.LeaseUntil;
    }

    /// <summary>Takes a submission, just before its mail is handed over.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="lease">Longer than handing over can take.</param>
    /// <param name="gif">What is about to be sent.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    /// <returns>The number of this try, or null when it is not free.</returns>
    public Task<int?> TakeAsync(Guid submissionId, TimeSpan lease, string gif, CancellationToken cancellationToken) =>
        WriteAsync($"""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner, taken_at, lease_until, gif)
            VALUES (@id, @sending, 1, 0, @owner, @now, @leaseUntil, @gif)
            ON CONFLICT (submission_id) DO UPDATE SET
              state = @sending, attempt = deliveries.attempt + 1, owner = @owner, taken_at = @now, lease_until = @leaseUntil, gif = @gif, detail = NULL
            WHERE {FreeForOwner}
            RETURNING attempt
            """, submissionId, cancellationToken, lease: lease, gif: gif);

    /// <summary>Writes down that the mail server said 250.</summary>
    /// <param name="submissionId">The submission, taken by this process.</param>
    /// <param name="sentAt">When.</param>
    /// <param name="reply">What it said, without addresses.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task SentAsync(Guid submissionId, DateTimeOffset sentAt, string reply, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @sent, sent_at = @sentAt, detail = @detail, in_hand = 0, lease_until = NULL
            WHERE submission_id = @id AND owner = @owner
            RETURNING attempt
            """, submissionId, cancellationToken, detail: reply, sentAt: sentAt);

    /// <summary>Writes down that a try failed, and that nothing was sent.</summary>
    /// <param name="submissionId">The submission; taken by this process, or free.</param>
    /// <param name="why">Why, without addresses.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number of that try.</returns>
    public Task<int?> NotSentAsync(Guid submissionId, string why, CancellationToken cancellationToken) =>
        WriteAsync($"""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner, detail)
            VALUES (@id, @notSent, 1, 0, @owner, @detail)
            ON CONFLICT (submission_id) DO UPDATE SET
              attempt = CASE WHEN deliveries.state = @sending THEN deliveries.attempt ELSE deliveries.attempt + 1 END,
              state = @notSent, owner = @owner, detail = @detail, in_hand = 0, lease_until = NULL
            WHERE {FreeForOwner}
            RETURNING attempt
            """, submissionId, cancellationToken, detail: why);

    /// <summary>Writes down that nothing was sent, for the recipient does not want to be mailed.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number of this try, or null when it is not free.</returns>
    public Task<int?> BlockedAsync(Guid submissionId, CancellationToken cancellationToken) =>
        WriteAsync($"""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner) VALUES (@id, @blocked, 1, 0, @owner)
            ON CONFLICT (submission_id) DO UPDATE SET
              state = @blocked, attempt = deliveries.attempt + 1, owner = @owner, detail = NULL, in_hand = 0, lease_until = NULL
            WHERE {FreeForOwner}
            RETURNING attempt
            """, submissionId, cancellationToken);

    /// <summary>Writes down that nobody knows: the mail was handed over whole and no reply came, or who was at it is gone.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="evidence">When, which server, how far the dialogue got; without addresses.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task UnknownAsync(Guid submissionId, string evidence, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @unknown, detail = @detail, in_hand = 0
            WHERE submission_id = @id AND state = @sending
            RETURNING attempt
            """, submissionId, cancellationToken, detail: evidence);

    /// <summary>
    /// Makes an unknown one free to be sent again, because an operator said so; once for each replay, so that the same word counts
    /// only once however often its message comes back.
    /// </summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="replayId">The replay.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tries so far, or null when it is not unknown, or this replay has freed it before.</returns>
    public Task<int?> ReleaseAsync(Guid submissionId, string replayId, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @notSent, replay_id = @replayId, lease_until = NULL
            WHERE submission_id = @id AND (state = @unknown AND (replay_id IS NULL OR replay_id <> @replayId)
              OR state = @notSent AND replay_id = @replayId) -- asked again, because the first answer was lost
            RETURNING attempt
            """, submissionId, cancellationToken, replayId: replayId);

    /// <summary>Writes down that an unknown one did arrive, because an operator said so.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number of the try that did it, or null when it is not unknown.</returns>
    public Task<int?> ConfirmSentAsync(Guid submissionId, string by, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @sent, sent_at = COALESCE(taken_at, @now), detail = @detail, in_hand = 0, lease_until = NULL
            WHERE submission_id = @id AND (state = @unknown OR (state = @sending AND lease_until < @now))
            RETURNING attempt
            """, submissionId, cancellationToken, detail: $"{by} says that it arrived");

    /// <summary>Notes that a message which came back from a process that died is being worked at once more.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task MarkInFlightAsync(Guid submissionId, CancellationToken cancellationToken) =>
        WriteAsync("""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand) VALUES (@id, @notSent, 0, 1)
            ON CONFLICT (submission_id) DO UPDATE SET in_hand = deliveries.in_hand + 1
            RETURNING in_hand
            """, submissionId, cancellationToken);

    /// <summary>Takes that note back: the work ended, in whatever way, and nobody died of it.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task ClearInFlightAsync(Guid submissionId, CancellationToken cancellationToken) =>
        WriteAsync("UPDATE deliveries SET in_hand = 0 WHERE submission_id = @id RETURNING in_hand", submissionId, cancellationToken);

    /// <summary>
    /// Takes out what was written down beside the outcome of submissions, such as the GIF, which their thoughts chose. That a mail was sent, or
    /// may have been, stays: else it might be sent again.
    /// </summary>
    /// <param name="submissionIds">The submissions.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<int> ForgetAsync(IReadOnlyCollection<Guid> submissionIds, CancellationToken cancellationToken) => writer.WriteAsync(
        (connection, transaction) => submissionIds.Chunk(500).Sum(ids => connection.Execute(
            $"UPDATE deliveries SET gif = NULL, detail = NULL WHERE submission_id {database.OneOf("@ids")} AND state <> @sending",
            new { ids = ids.Select(id => id.ToString("N")).ToArray(), sending = (short)DeliveryState.Sending }, transaction)),
        cancellationToken);

    private Task<int?> WriteAsync(
        string sql, Guid submissionId, CancellationToken cancellationToken,
        TimeSpan lease = default, string? gif = null, string? detail = null, DateTimeOffset? sentAt = null, string? replayId = null)
    {
        Interlocked.Increment(ref _writes);
        var now = time.GetUtcNow();
        (string, object?)[] parameters =
        [
            ("id", submissionId.ToString("N")),
            ("owner", _owner),
            ("now", now.ToUnixTimeMilliseconds()),
            ("leaseUntil", (now + lease).ToUnixTimeMilliseconds()),
            ("sentAt", sentAt?.ToUnixTimeMilliseconds()),
            ("gif", gif),
            ("replayId", replayId),
            ("detail", detail is { Length: > 2000 } ? detail[..2000] : detail),
            ("notSent", (short)DeliveryState.NotSent),
            ("sending", (short)DeliveryState.Sending),
            ("sent", (short)DeliveryState.Sent),
            ("unknown", (short)DeliveryState.Unknown),
            ("blocked", (short)DeliveryState.Blocked),
        ];
        return writer.WriteAsync(statements => statements.Scalar<int?>(sql, parameters), cancellationToken);
    }

    private static Delivery Delivery(Guid submissionId, DbDataReader row)
    {
        return new Delivery(
            submissionId, (DeliveryState)row.GetInt16(0), row.GetInt32(1), Text(2), Time(3), Time(4), Time(5), Text(6), Text(7), row.GetInt32(8));

        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);

        DateTimeOffset? Time(int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
    }
}
