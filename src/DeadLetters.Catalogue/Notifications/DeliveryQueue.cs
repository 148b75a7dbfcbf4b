using System.Data.Common;
using Dapper;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>What became of a notification at a receiver.</summary>
internal enum DeliveryState
{
    /// <summary>Not delivered yet.</summary>
    Waiting = 0,

    /// <summary>The receiver accepted it.</summary>
    Sent = 1,

    /// <summary>Given up after <see cref="DeliveryQueue.Life"/>.</summary>
    GivenUp = 2,
}

/// <summary>
/// The notifications that wait for their receivers. One host at a time sends to a receiver: it has a lease, which it renews with each notification. A
/// host that dies in between leaves the rest to the next one.
/// </summary>
internal sealed class DeliveryQueue(CatalogueOptions options, OpenCatalogue catalogue, TimeProvider time)
{
    /// <summary>How long a notification is tried.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(24);

    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(60); // more than the timeout of a request
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestPause = TimeSpan.FromHours(1);

    private readonly string _owner = Guid.NewGuid().ToString("N");

    /// <summary>Takes the next notification for a receiver: first those that were never tried, so that one that the receiver does not like blocks no other.</summary>
    /// <returns>Null if there is none, the receiver has a pause, or another host sends to it.</returns>
    public async Task<WaitingDelivery?> TakeAsync(string receiver, CancellationToken cancellationToken)
    {
        using (var connection = options.Database.OpenToRead())
        {
            if (Next(connection, null, receiver) is null)
                return null;
        }
        return await (await catalogue.CommitsAsync(cancellationToken)).WriteAsync(
            (connection, transaction) =>
            {
                // The lease first: what another host has just sent is not waiting any more when this one has the lease.
                if (!Lease(connection, transaction, receiver))
                    return null;
                var next = Next(connection, transaction, receiver);
                if (next is null)
                    Release(connection, transaction, receiver, "lease_owner = NULL", new { receiver, owner = _owner });
                return next;
            },
            cancellationToken);
    }

    /// <summary>Records that the receiver accepted a notification.</summary>
    public async Task SentAsync(string receiver, WaitingDelivery delivery) => await (await catalogue.CommitsAsync(CancellationToken.None)).WriteAsync(
        (connection, transaction) =>
        {
            if (!Release(connection, transaction, receiver, "lease_owner = NULL, failures = 0, paused_until = NULL, last_success = @now", new { receiver, owner = _owner, now = Now }))
                return 0;
            return End(connection, transaction, receiver, delivery, DeliveryState.Sent);
        },
        CancellationToken.None);

    /// <summary>Records a failure, and makes a pause before the next try. After <see cref="Life"/>, the notification is given up.</summary>
    /// <param name="receiver">The receiver.</param>
    /// <param name="delivery">The notification.</param>
    /// <param name="error">What happened, without the receiver's address.</param>
    /// <param name="retryAfter">The pause that the receiver asks for; null: growing pauses.</param>
    /// <returns>Whether it is given up.</returns>
    public async Task<bool> FailedAsync(string receiver, WaitingDelivery delivery, string error, TimeSpan? retryAfter) => await (await catalogue.CommitsAsync(CancellationToken.None)).WriteAsync(
        (connection, transaction) =>
        {
            var now = time.GetUtcNow();
            var end = delivery.At + Life;
            var next = now + (retryAfter ?? Pause(delivery.Failures));
            var paused = next > end && now < end ? end : next; // one last try at the end
            if (!Release(
                connection, transaction, receiver, "lease_owner = NULL, failures = failures + 1, paused_until = @paused, last_failure = @now, last_error = @error",
                new { receiver, owner = _owner, now = Now, paused = paused.ToUnixTimeMilliseconds(), error = error.Length > 500 ? error[..500] : error }))
            {
                return false;
            }
            End(connection, transaction, receiver, delivery, now < end ? DeliveryState.Waiting : DeliveryState.GivenUp);
            return now >= end;
        },
        CancellationToken.None);

    /// <summary>The state of each receiver that has started, by its key.</summary>
    public IReadOnlyDictionary<string, ReceiverState> States()
    {
        using var connection = options.Database.OpenToRead();
        using var rows = connection.ExecuteReader(
            """
            SELECT receiver, paused_until, last_success, last_failure, last_error,
                (SELECT COUNT(*) FROM catalogue_notification_deliveries WHERE receiver = r.receiver AND state = 0),
                (SELECT COUNT(*) FROM catalogue_notification_deliveries WHERE receiver = r.receiver AND state = 2)
            FROM catalogue_notification_receivers r
            """);
        var states = new Dictionary<string, ReceiverState>(StringComparer.Ordinal);
        while (rows.Read())
            states.Add(rows.GetString(0), new ReceiverState(Rows.Time(rows, 1), Rows.Time(rows, 2), Rows.Time(rows, 3), Rows.Text(rows, 4), rows.GetInt64(5), rows.GetInt64(6)));
        return states;
    }

    /// <summary>The notifications about a cause, the newest first, and what became of each at each receiver.</summary>
    public IReadOnlyList<NotificationEntry> History(string cause, int limit)
    {
        using var connection = options.Database.OpenToRead();
        using var rows = connection.ExecuteReader(
            """
            SELECT n.kind, n.at, d.receiver, d.state, d.tries, d.ended_at FROM catalogue_notifications n
            LEFT JOIN catalogue_notification_deliveries d ON d.notification = n.id
            WHERE n.cause = @cause ORDER BY n.id DESC, d.receiver LIMIT @limit
            """,
            new { cause, limit });
        var entries = new List<NotificationEntry>();
        while (rows.Read())
        {
            entries.Add(new NotificationEntry(
                rows.GetString(0), Rows.Time(rows, 1)!.Value, Rows.Text(rows, 2), rows.IsDBNull(3) ? null : (DeliveryState)rows.GetInt16(3),
                rows.IsDBNull(4) ? 0 : rows.GetInt32(4), Rows.Time(rows, 5)));
        }
        return entries;
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private WaitingDelivery? Next(DbConnection connection, DbTransaction? transaction, string receiver)
    {
        using var rows = connection.ExecuteReader(
            """
            SELECT d.notification, d.at, r.failures, n.content FROM catalogue_notification_deliveries d
            JOIN catalogue_notification_receivers r ON r.receiver = d.receiver JOIN catalogue_notifications n ON n.id = d.notification
            WHERE d.receiver = @receiver AND d.state = 0 AND (r.paused_until IS NULL OR r.paused_until <= @now)
                AND (r.lease_until IS NULL OR r.lease_until <= @now OR r.lease_owner = @owner)
            ORDER BY d.tries, d.notification LIMIT 1
            """,
            new { receiver, owner = _owner, now = Now }, transaction);
        return rows.Read() ? new WaitingDelivery(rows.GetInt64(0), Rows.Time(rows, 1)!.Value, rows.GetInt32(2), Notification.FromJson(rows.GetString(3))) : null;
    }

    private bool Lease(DbConnection connection, DbTransaction transaction, string receiver) => connection.Execute(
        """
        UPDATE catalogue_notification_receivers SET lease_owner = @owner, lease_until = @until
        WHERE receiver = @receiver AND (lease_until IS NULL OR lease_until <= @now OR lease_owner = @owner)
        """,
        new { receiver, owner = _owner, now = Now, until = (time.GetUtcNow() + _lease).ToUnixTimeMilliseconds() }, transaction) > 0;

    // False if the lease ended and another host has it: that host's result counts.
    private static bool Release(DbConnection connection, DbTransaction transaction, string receiver, string assignments, object parameters) => connection.Execute(
        $"UPDATE catalogue_notification_receivers SET lease_until = NULL, {assignments} WHERE receiver = @receiver AND lease_owner = @owner", parameters, transaction) > 0;

    private int End(DbConnection connection, DbTransaction transaction, string receiver, WaitingDelivery delivery, DeliveryState state) => connection.Execute(
        "UPDATE catalogue_notification_deliveries SET state = @state, tries = tries + 1, ended_at = @ended WHERE notification = @id AND receiver = @receiver",
        new { state = (short)state, ended = state == DeliveryState.Waiting ? (long?)null : Now, id = delivery.Notification, receiver }, transaction);

    private static TimeSpan Pause(int failures) =>
        failures >= 20 ? _longestPause : TimeSpan.FromTicks(Math.Min(_firstPause.Ticks << failures, _longestPause.Ticks));
}
