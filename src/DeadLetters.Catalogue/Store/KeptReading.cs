using System.Data.Common;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Reads the letters that are kept because their queue was missing, with their complete contents.</summary>
internal static class KeptReading
{
    private const int AtOnce = 100;
    private const long BytesAtOnce = 8 * 1024 * 1024;
    private const string OfQueue = "FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id WHERE l.state = 5 AND q.source = @source AND q.name = @name";

    /// <summary>Who requested that a queue's kept letters are put back: operators, or null for the catalogue itself.</summary>
    public static IReadOnlyList<string?> By(Statements statements, string source, string queue) =>
        Rows(statements, $"SELECT DISTINCT l.moved_by {OfQueue}", static row => LetterColumns.Text(row, 0), ("source", source), ("name", queue));

    /// <summary>The queues whose kept letters an operator wants to be put back, whatever a read costs.</summary>
    public static IReadOnlySet<string> Requested(Statements statements, string source) => Rows(
        statements, "SELECT DISTINCT q.name FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id WHERE l.state = 5 AND l.moved_by IS NOT NULL AND q.source = @source",
        static row => row.GetString(0), ("source", source)).ToHashSet();

    /// <summary>The routes to the queues of a virtual host, also to those that no longer exist.</summary>
    public static IReadOnlyList<(string Queue, string Routes)> Routes(Statements statements, string source) =>
        Rows(statements, "SELECT name, routes FROM catalogue_queues WHERE source = @source AND routes <> ''", static row => (row.GetString(0), row.GetString(1)), ("source", source));

    /// <summary>The next letters to put back, in the order in which they failed.</summary>
    /// <param name="statements">The statements.</param>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="by">Who requested it; null: the catalogue.</param>
    /// <param name="after">The last letter that was read before.</param>
    public static IReadOnlyList<KeptLetter> Next(Statements statements, string source, string queue, string? by, long after)
    {
        var found = Rows(
            statements, $"SELECT l.id, l.hash, l.number, l.size {OfQueue} AND l.moved_by IS NOT DISTINCT FROM @by AND l.id > @after ORDER BY l.id LIMIT {AtOnce}",
            static row => (Key: row.GetInt64(0), Id: new LetterId(row.GetInt64(1), row.GetInt64(2)), Size: row.GetInt64(3)), ("source", source), ("name", queue), ("by", by), ("after", after));
        var (letters, bytes) = (new List<KeptLetter>(), 0L);
        foreach (var (key, id, size) in found.TakeWhile(_ => bytes < BytesAtOnce))
        {
            var contents = statements.Row("SELECT contents FROM catalogue_bodies WHERE letter_id = @id", static row => (byte[])row.GetValue(0), ("id", key));
            letters.Add(new KeptLetter(key, contents is null ? Whole(statements, key, queue, id) : LetterContents.Read(contents, queue, id)));
            bytes += size;
        }
        return letters;
    }

    /// <summary>A letter whose complete contents are kept; null if they are not.</summary>
    public static DeadLetter? Whole(Statements statements, long key, string queue, LetterId id) =>
        statements.Row("SELECT head, body FROM catalogue_whole WHERE letter_id = @id", static row => new WholeLetter((byte[])row.GetValue(0), (byte[])row.GetValue(1)), ("id", key)) is { } whole
            ? LetterContents.Read(whole, queue, id)
            : null;

    private static List<T> Rows<T>(Statements statements, string sql, Func<DbDataReader, T> read, params (string Name, object? Value)[] parameters)
    {
        using var command = statements.Connection.CreateCommand();
#pragma warning disable CA2100 // our own text
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"@{name}", value ?? DBNull.Value);
            if (value is null)
                parameter.DbType = System.Data.DbType.String;
            command.Parameters.Add(parameter);
        }
        var rows = new List<T>();
        using var reader = command.ExecuteReader();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }
}
