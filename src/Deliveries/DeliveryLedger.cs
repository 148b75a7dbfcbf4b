using System.Data.Common;
using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.Deliveries;

/// <summary>
/// Records which mails were sent, were not sent, or have an unknown outcome. It has one row for each submission, which is read before each send,
/// and written just before the mail is handed over and right after. All processes that send must share one ledger.
/// </summary>
/// <param name="database">The database of the ledger.</param>
/// <param name="writer">Writes to the database.</param>
/// <param name="time">The clock for the leases.</param>
public sealed class DeliveryLedger(Database database, GroupCommit writer, TimeProvider time)
{
    // Clocks of two machines differ a little. A clock that jumped back would make leases look endless.
    private static readonly TimeSpan _clockTolerance = TimeSpan.FromSeconds(5);

    // A process may take a row that it already owns: it ensures that it processes each submission only once at a time.
    private const string FreeForOwner = "(deliveries.state IN (@notSent, @blocked) OR (deliveries.state = @sending AND deliveries.owner = @owner))";

    private readonly string _owner = Guid.NewGuid().ToString("N");
    private readonly WriteProbe _probe = new(writer, AddDeliveriesProbe.Table);
    private long _writes;

    /// <summary>The name of this process in the ledger.</summary>
    public string Owner => _owner;

    /// <summary>How many changes this process has requested.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Commits a meaningless change in the same way as an outcome, to test that the ledger can be written to.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="DbException">The change can't be committed.</exception>
    public Task ProbeAsync(CancellationToken cancellationToken) => _probe.WriteAsync(cancellationToken);

    /// <summary>Returns the ledger's mark; null if it has none yet.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public LedgerMark? FindMark() => database.Read(statements => statements.Row(
        "SELECT ledger, number FROM ledger_mark WHERE id = 1", static row => new LedgerMark(row.GetString(0), row.GetInt64(1))));

    /// <summary>Raises the number of the ledger's mark by at least one, and above another mark's number.</summary>
    /// <param name="beyond">The other mark's number; 0 for none.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
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

    /// <summary>Finds the row of a submission.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <returns>The row; null if the ledger has none for this submission.</returns>
    public Delivery? Find(Guid submissionId) => database.Read(statements => statements.Row(
        "SELECT state, attempt, owner, taken_at, lease_until, sent_at, gif, detail, in_hand, replay_id FROM deliveries WHERE submission_id = @id",
        row => Delivery(submissionId, row), ("id", submissionId.ToString("N"))));

    /// <summary>Whether a consumer may be sending it now.</summary>
    /// <param name="delivery">A row in the state <see cref="DeliveryState.Sending"/>.</param>
    public bool IsLeased(Delivery delivery)
    {
        var now = time.GetUtcNow();
        return delivery.TakenAt <= now + _clockTolerance && now < delivery.LeaseUntil;
    }

    /// <summary>Takes a submission for this process, just before its mail is handed over.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="lease">The lease; must be longer than handing over can take.</param>
    /// <param name="gif">The GIF that is about to be sent.</param>
    /// <param name="cancellationToken">Cancels the wait for the database.</param>
    /// <returns>The number of this try, or null if the submission is not free.</returns>
    public Task<int?> TakeAsync(Guid submissionId, TimeSpan lease, string gif, CancellationToken cancellationToken) =>
        WriteAsync($"""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner, taken_at, lease_until, gif)
            VALUES (@id, @sending, 1, 0, @owner, @now, @leaseUntil, @gif)
            ON CONFLICT (submission_id) DO UPDATE SET
              state = @sending, attempt = deliveries.attempt + 1, owner = @owner, taken_at = @now, lease_until = @leaseUntil, gif = @gif, detail = NULL
            WHERE {FreeForOwner}
            RETURNING attempt
            """, submissionId, cancellationToken, lease: lease, gif: gif);

    /// <summary>Records that the mail server accepted the mail (250).</summary>
    /// <param name="submissionId">The submission, taken by this process.</param>
    /// <param name="sentAt">When it was accepted.</param>
    /// <param name="reply">The server's reply, without addresses.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task SentAsync(Guid submissionId, DateTimeOffset sentAt, string reply, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @sent, sent_at = @sentAt, detail = @detail, in_hand = 0, lease_until = NULL
            WHERE submission_id = @id AND owner = @owner
            RETURNING attempt
            """, submissionId, cancellationToken, detail: reply, sentAt: sentAt);

    /// <summary>Records that a try failed and that nothing was sent.</summary>
    /// <param name="submissionId">The submission; taken by this process, or free.</param>
    /// <param name="why">The reason, without addresses.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
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

    /// <summary>Records that a replayed message is delayed without a try, because a service was not asked. The number of tries and the state stay.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="replayId">The replay.</param>
    /// <param name="why">The reason, without addresses.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task PutOffAsync(Guid submissionId, string replayId, string why, CancellationToken cancellationToken) =>
        WriteAsync("""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner, detail) VALUES (@id, @notSent, 0, 0, @owner, @detail)
            ON CONFLICT (submission_id) DO UPDATE SET detail = @detail
            WHERE deliveries.state IN (@notSent, @blocked)
            RETURNING attempt
            """, submissionId, cancellationToken, detail: $"{Deliveries.Delivery.PutOffMark(replayId)}{why}");

    /// <summary>Records that nothing was sent because the recipient has unsubscribed.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of this try, or null if the submission is not free.</returns>
    public Task<int?> BlockedAsync(Guid submissionId, CancellationToken cancellationToken) =>
        WriteAsync($"""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner) VALUES (@id, @blocked, 1, 0, @owner)
            ON CONFLICT (submission_id) DO UPDATE SET
              state = @blocked, attempt = deliveries.attempt + 1, owner = @owner, detail = NULL, in_hand = 0, lease_until = NULL
            WHERE {FreeForOwner}
            RETURNING attempt
            """, submissionId, cancellationToken);

    /// <summary>
    /// Records that the outcome is unknown: the complete mail was handed over and no reply came, or the consumer that was sending it has ended.
    /// </summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="evidence">When, which server, how far the dialogue got; without addresses.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task UnknownAsync(Guid submissionId, string evidence, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @unknown, detail = @detail, in_hand = 0
            WHERE submission_id = @id AND state = @sending
            RETURNING attempt
            """, submissionId, cancellationToken, detail: evidence);

    /// <summary>
    /// Releases a delivery with an unknown outcome to be sent again, as an operator decided. Each replay does this only once, even if its message
    /// comes back several times.
    /// </summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="replayId">The replay.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of tries so far, or null if the outcome is not unknown or this replay has released it before.</returns>
    public Task<int?> ReleaseAsync(Guid submissionId, string replayId, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @notSent, replay_id = @replayId, lease_until = NULL
            WHERE submission_id = @id AND (state = @unknown AND (replay_id IS NULL OR replay_id <> @replayId)
              OR state = @notSent AND replay_id = @replayId) -- asked again, because the first answer was lost
            RETURNING attempt
            """, submissionId, cancellationToken, replayId: replayId);

    /// <summary>Records that a mail with an unknown outcome did arrive, as an operator confirmed.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of the try that sent it, or null if the outcome is not unknown.</returns>
    public Task<int?> ConfirmSentAsync(Guid submissionId, string by, CancellationToken cancellationToken) =>
        WriteAsync("""
            UPDATE deliveries SET state = @sent, detail = @detail, in_hand = 0, lease_until = NULL
            WHERE submission_id = @id AND (state = @unknown OR (state = @sending AND lease_until < @now))
            RETURNING attempt
            """, submissionId, cancellationToken, detail: $"{by} says that it arrived");

    /// <summary>Records that processing starts once more for a message that came back from a process that died.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task MarkInFlightAsync(Guid submissionId, CancellationToken cancellationToken) =>
        WriteAsync("""
            INSERT INTO deliveries (submission_id, state, attempt, in_hand) VALUES (@id, @notSent, 0, 1)
            ON CONFLICT (submission_id) DO UPDATE SET in_hand = deliveries.in_hand + 1
            RETURNING in_hand
            """, submissionId, cancellationToken);

    /// <summary>Clears the record of <see cref="MarkInFlightAsync"/>: processing ended, with success or failure, and the process did not die.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task ClearInFlightAsync(Guid submissionId, CancellationToken cancellationToken) =>
        WriteAsync("UPDATE deliveries SET in_hand = 0 WHERE submission_id = @id RETURNING in_hand", submissionId, cancellationToken);

    /// <summary>
    /// Erases the details of submissions, such as the GIF, which was chosen by the thought. The outcome is kept: without the record that a mail was
    /// sent, or may have been, it might be sent again.
    /// </summary>
    /// <param name="submissionIds">The submissions.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
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
            submissionId, (DeliveryState)row.GetInt16(0), row.GetInt32(1), Text(2), Time(3), Time(4), Time(5), Text(6), Text(7), row.GetInt32(8), Text(9) is not null);

        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);

        DateTimeOffset? Time(int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
    }
}
