using System.Data.Common;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Reads the queues with their counts.</summary>
internal static class QueueReading
{
    private const string Sql =
        """
        SELECT q.source, q.name, q.input_queue, q.is_fed, q.problem, q.messages, q.is_walking, q.walked, q.walked_at, coalesce(counts.letters, 0),
          q.removed, coalesce(counts.kept, 0), coalesce(counts.unseen, 0), q.routes, q.unbound_at
        FROM catalogue_queues q LEFT JOIN (
          SELECT g.queue_id, CAST(sum(CASE WHEN groups.state = 0 THEN groups.letters ELSE 0 END) AS BIGINT) AS letters,
            CAST(sum(CASE WHEN groups.state = 5 THEN groups.letters ELSE 0 END) AS BIGINT) AS kept, CAST(sum(CASE WHEN groups.state = 6 THEN groups.letters ELSE 0 END) AS BIGINT) AS unseen
          FROM (SELECT state, group_id, count(*) AS letters FROM catalogue_letters WHERE state IN (0, 5, 6) GROUP BY state, group_id) AS groups
          JOIN catalogue_groups g ON g.id = groups.group_id GROUP BY g.queue_id) AS counts ON counts.queue_id = q.id
        WHERE q.removed = 0 OR counts.kept > 0
        ORDER BY coalesce(counts.letters, 0) DESC, q.source, q.name
        """;

    public static IReadOnlyList<CatalogueQueue> Read(Statements statements)
    {
        var queues = new List<CatalogueQueue>();
        using var command = statements.Command();
        command.CommandText = Sql;
        using var rows = command.ExecuteReader();
        while (rows.Read())
            queues.Add(Queue(rows));
        return queues;
    }

    private static CatalogueQueue Queue(DbDataReader row) => new()
    {
        Source = row.GetString(0),
        Name = row.GetString(1),
        InputQueue = row.GetString(2),
        IsFed = row.GetInt16(3) != 0,
        Problem = row.GetString(4),
        Messages = row.IsDBNull(5) ? null : row.GetInt64(5),
        IsWalking = row.GetInt16(6) != 0,
        Walked = row.GetInt64(7),
        WalkedAt = row.IsDBNull(8) ? null : LetterColumns.Time(row.GetInt64(8)),
        Letters = row.GetInt64(9),
        IsMissing = row.GetInt16(10) != 0,
        Kept = row.GetInt64(11),
        Unseen = row.GetInt64(12),
        Routes = row.GetString(13),
        UnboundAt = row.IsDBNull(14) ? null : LetterColumns.Time(row.GetInt64(14)),
    };
}
