using System.Data.Common;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>The columns of a <see cref="CatalogueLetter"/>, and how they are read.</summary>
internal static class LetterColumns
{
    /// <summary>The columns of letters l, groups g and queues q.</summary>
    public const string All =
        """
        l.id, q.source, q.name, l.hash, l.number, l.message_id, g.types, g.exception, g.cause, l.reason, g.consumer, l.host, g.version,
        l.at, l.size, l.state, l.left_at, l.operation, l.moved_by, l.replays
        """;

    /// <summary>All states, so that an index by state can be used.</summary>
    public const string AnyState = "l.state IN (0, 1, 2, 3, 4, 5, 6)";

    /// <summary>What a selection of letters l is joined with.</summary>
    public const string Joins = "JOIN catalogue_groups g ON g.id = l.group_id JOIN catalogue_queues q ON q.id = l.queue_id";

    public static CatalogueLetter Read(DbDataReader row) => new()
    {
        Key = row.GetInt64(0),
        Source = row.GetString(1),
        Queue = row.GetString(2),
        Id = new LetterId(row.GetInt64(3), row.GetInt64(4)).ToString(),
        MessageId = Text(row, 5),
        MessageType = FirstType(Text(row, 6)),
        ExceptionType = Text(row, 7),
        CauseId = row.GetString(8),
        Reason = row.GetString(9),
        Consumer = Text(row, 10),
        Host = Text(row, 11),
        Version = Text(row, 12),
        At = Time(row.GetInt64(13)),
        Size = row.GetInt64(14),
        State = (LetterState)row.GetInt16(15),
        LeftAt = row.IsDBNull(16) ? null : Time(row.GetInt64(16)),
        Operation = Text(row, 17),
        By = Text(row, 18),
        Replays = (int)row.GetInt64(19),
    };

    public static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    /// <summary>The most derived of a group's message types.</summary>
    public static string? FirstType(string? types) => types?.Split('\n', 2)[0];

    /// <summary>A time in Unix milliseconds. A letter from a foreign sender may name any year.</summary>
    public static DateTimeOffset Time(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
}
