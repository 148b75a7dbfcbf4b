using System.Data.Common;
using Dapper;
using WorkinIt.DeadLetters.Catalogue.Triage;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>
/// Compares the catalogue with what was seen before, and writes the notifications that follow. Looks of several hosts at one database take turns, so
/// the second one finds what the first one wrote, and writes no notification again.
/// </summary>
internal sealed class NotificationStore(CatalogueOptions options, NotificationOptions notifications, OpenCatalogue catalogue, TimeProvider time)
{
    private const long Turn = 0x6E6F746966696573; // the lock of the looks

    /// <summary>A receiver that no host has had in its settings for this long gets no more notifications.</summary>
    private static readonly TimeSpan _receiverLife = TimeSpan.FromHours(24);
    private static readonly TimeSpan _receiverSeen = TimeSpan.FromMinutes(10);

    /// <summary>Writes what a look at the catalogue changes.</summary>
    /// <param name="board">The letters that are there, with a histogram of steps of a few minutes at most.</param>
    /// <param name="isSettled">Whether the catalogue has read all queues: receivers start then, and get a summary of what is there.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>How many notifications were written.</returns>
    public async Task<int> LookAsync(Board board, bool isSettled, CancellationToken cancellationToken)
    {
        var causes = board.Causes.ToDictionary(cause => cause.Cause.Id, StringComparer.Ordinal);
        using (var connection = options.Database.OpenToRead())
        {
            if (Changes(connection, null, board, causes).Count == 0 && !(isSettled && UnseenReceivers(connection, null).Count > 0))
                return 0; // almost always
        }
        return await (await catalogue.CommitsAsync(cancellationToken)).WriteAsync(
            statements =>
            {
                var (connection, transaction) = (statements.Connection, statements.Transaction!);
                var written = Changes(connection, transaction, board, causes).Count(change => Apply(connection, transaction, board, causes, change));
                foreach (var receiver in isSettled ? UnseenReceivers(connection, transaction) : [])
                    written += Start(connection, transaction, receiver, board);
                return written;
            },
            cancellationToken, exclusive: Turn);
    }

    /// <summary>Writes a message that tests a receiver, and ends the receiver's pause.</summary>
    /// <returns>False if the receiver has not started yet.</returns>
    public async Task<bool> TestAsync(NotificationReceiver receiver, CancellationToken cancellationToken) => await (await catalogue.CommitsAsync(cancellationToken)).WriteAsync(
        statements =>
        {
            var (connection, transaction) = (statements.Connection, statements.Transaction!);
            if (connection.Execute("UPDATE catalogue_notification_receivers SET paused_until = NULL WHERE receiver = @key", new { key = receiver.Key }, transaction) == 0)
                return false;
            Deliver(connection, transaction, Insert(connection, transaction, NotificationText.Test(time.GetUtcNow())), receiver);
            return true;
        },
        cancellationToken, exclusive: Turn);

    /// <summary>Deletes what is older than the retention of the catalogue.</summary>
    public async Task PruneAsync(CancellationToken cancellationToken) => await (await catalogue.CommitsAsync(cancellationToken)).WriteAsync(
        (connection, transaction) =>
        {
            var before = time.GetUtcNow() - options.Retention;
            var parameters = new { before = before.ToUnixTimeMilliseconds() };
            const string Old = "SELECT id FROM catalogue_notifications WHERE at < @before AND id NOT IN (SELECT announced_by FROM catalogue_triage_causes WHERE announced_by IS NOT NULL)";
            connection.Execute($"DELETE FROM catalogue_notification_deliveries WHERE notification IN ({Old})", parameters, transaction);
            connection.Execute($"DELETE FROM catalogue_notifications WHERE id IN ({Old})", parameters, transaction);
            CauseTracks.Prune(connection, transaction, before);
            return connection.Execute("DELETE FROM catalogue_notification_receivers WHERE seen_at < @before", parameters, transaction);
        },
        cancellationToken);

    private List<(string Cause, CauseTriage Triage, CauseTransition Transition, long Recent)> Changes(
        DbConnection connection, DbTransaction? transaction, Board board, Dictionary<string, BoardCause> causes)
    {
        var now = time.GetUtcNow();
        var open = connection.Query<string>(
            "SELECT cause FROM catalogue_triage_causes WHERE gone_since IS NULL OR announced_at IS NOT NULL OR burst_at IS NOT NULL", transaction: transaction);
        var isComplete = board.Causes.Sum(cause => cause.Count) == board.Letters; // the board lists the largest causes only, if there are very many
        var changes = new List<(string, CauseTriage, CauseTransition, long)>();
        foreach (var (id, triage) in TriageStore.Read(connection, transaction, options.Database, [.. causes.Keys, .. open]))
        {
            var cause = causes.GetValueOrDefault(id);
            if (cause is null && (triage.Track is null || !isComplete))
                continue;
            var recent = cause is null ? 0 : Recent(board, cause, now);
            var transition = CauseTransition.Of(triage, cause, recent, notifications.BurstFailures, now);
            if (transition.Kind is not null || transition.Track != triage.Track)
                changes.Add((id, triage, transition, recent));
        }
        return changes;
    }

    private bool Apply(
        DbConnection connection, DbTransaction transaction, Board board, Dictionary<string, BoardCause> causes,
        (string Cause, CauseTriage Triage, CauseTransition Transition, long Recent) change)
    {
        var (id, triage, transition, recent) = change;
        var now = time.GetUtcNow();
        var notification = transition.Kind switch
        {
            null => null,
            NotificationKind.Over => Announced(connection, transaction, triage.Track!.AnnouncedBy) is { } announced ? NotificationText.Over(announced, now) : null,
            { } kind => NotificationText.Of(kind, causes[id], transition.Track.FirstAt, recent, now),
        };
        if (notification is not null)
        {
            var number = Insert(connection, transaction, notification);
            // A receiver that started after the announcement gets no "over" for it.
            Deliver(connection, transaction, number, notification.Kind == NotificationKind.Over ? triage.Track!.AnnouncedBy!.Value : number);
            transition = transition.Announced(number);
        }
        CauseTracks.Write(connection, transaction, id, triage.Track, transition.Track, now);
        return notification is not null;
    }

    private List<NotificationReceiver> UnseenReceivers(DbConnection connection, DbTransaction? transaction)
    {
        var seen = connection.Query<string>(
            "SELECT receiver FROM catalogue_notification_receivers WHERE seen_at > @since", new { since = (time.GetUtcNow() - _receiverSeen).ToUnixTimeMilliseconds() }, transaction);
        return [.. notifications.Receivers.ExceptBy(seen, receiver => receiver.Key)];
    }

    // The causes that are there are known to a new receiver: one message about all of them.
    private int Start(DbConnection connection, DbTransaction transaction, NotificationReceiver receiver, Board board)
    {
        var now = time.GetUtcNow();
        if (connection.Execute("UPDATE catalogue_notification_receivers SET seen_at = @now WHERE receiver = @key", new { now = now.ToUnixTimeMilliseconds(), key = receiver.Key }, transaction) > 0)
            return 0;
        connection.Execute(
            "INSERT INTO catalogue_notification_receivers (receiver, starts_after, seen_at, failures) SELECT @key, COALESCE(MAX(id), 0), @now, 0 FROM catalogue_notifications",
            new { now = now.ToUnixTimeMilliseconds(), key = receiver.Key }, transaction);
        if (board.Causes.Count == 0)
            return 0;
        Deliver(connection, transaction, Insert(connection, transaction, NotificationText.Summary(board, now)), receiver);
        return 1;
    }

    private static Notification? Announced(DbConnection connection, DbTransaction transaction, long? id) =>
        connection.QuerySingleOrDefault<string>("SELECT content FROM catalogue_notifications WHERE id = @id", new { id }, transaction) is { } content
            ? Notification.FromJson(content) : null;

    private static long Insert(DbConnection connection, DbTransaction transaction, Notification notification) => connection.QuerySingle<long>(
        "INSERT INTO catalogue_notifications (kind, cause, at, content) VALUES (@kind, @cause, @at, @content) RETURNING id",
        new
        {
            kind = notification.Kind.ToString().ToLowerInvariant(),
            cause = notification.Cause?.Id,
            at = notification.At.ToUnixTimeMilliseconds(),
            content = notification.ToJson(),
        },
        transaction);

    private void Deliver(DbConnection connection, DbTransaction transaction, long notification, long about) => connection.Execute(
        """
        INSERT INTO catalogue_notification_deliveries (notification, receiver, state, tries, at)
        SELECT @notification, receiver, 0, 0, @now FROM catalogue_notification_receivers WHERE starts_after < @about AND seen_at > @since
        """,
        new { notification, about, now = time.GetUtcNow().ToUnixTimeMilliseconds(), since = (time.GetUtcNow() - _receiverLife).ToUnixTimeMilliseconds() }, transaction);

    private void Deliver(DbConnection connection, DbTransaction transaction, long notification, NotificationReceiver receiver) => connection.Execute(
        "INSERT INTO catalogue_notification_deliveries (notification, receiver, state, tries, at) VALUES (@notification, @key, 0, 0, @now)",
        new { notification, key = receiver.Key, now = time.GetUtcNow().ToUnixTimeMilliseconds() }, transaction);

    // The steps that begin in the window, so up to one step more is counted.
    private static long Recent(Board board, BoardCause cause, DateTimeOffset now)
    {
        var first = (now - CauseTransition.Window - board.From).Ticks / board.Step.Ticks;
        return cause.Sparkline.Skip((int)Math.Clamp(first, 0, int.MaxValue)).Sum();
    }
}
