using System.IO.Compression;
using System.Text;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>
/// The original messages of repairs in the database: rows with the lines of many messages, compressed together because they look alike.
/// </summary>
internal static class AuditOriginals
{
    private const int LongestRow = 1 << 20; // bytes before compression; a row with one message may be longer
    private const int DeletedAtOnce = 100;

    /// <summary>Compresses messages, in rows.</summary>
    public static IReadOnlyList<byte[]> Rows(IReadOnlyList<OriginalMessage> originals)
    {
        var rows = new List<byte[]>();
        using var plain = new MemoryStream();
        foreach (var original in originals)
        {
            if (plain.Length > 0 && plain.Length + original.Json.Length > LongestRow)
                EndRow();
            OriginalLines.Write(plain, original);
        }
        if (plain.Length > 0)
            EndRow();
        return rows;

        void EndRow()
        {
            rows.Add(Compress(plain.GetBuffer().AsSpan(0, (int)plain.Length)));
            plain.SetLength(0);
        }
    }

    public static int Save(Statements statements, string operation, IReadOnlyList<byte[]> rows, long now)
    {
        foreach (var contents in rows)
        {
            statements.Execute("INSERT INTO catalogue_audit_originals (operation, at, contents) VALUES (@operation, @at, @contents)", ("operation", operation), ("at", now), ("contents", contents));
        }
        return rows.Count;
    }

    /// <summary>The next row of a repair after one; null at the end.</summary>
    public static OriginalRow? Next(Statements statements, string operation, long after) => statements.Row(
        "SELECT id, operation, contents FROM catalogue_audit_originals WHERE operation = @operation AND id > @after ORDER BY id LIMIT 1", Read, ("operation", operation), ("after", after));

    /// <summary>The next row of any repair after one; null at the end.</summary>
    public static OriginalRow? Next(Statements statements, long after) =>
        statements.Row("SELECT id, operation, contents FROM catalogue_audit_originals WHERE id > @after ORDER BY id LIMIT 1", Read, ("after", after));

    /// <summary>Replaces the lines of a row.</summary>
    public static int Replace(Statements statements, long id, IEnumerable<string> lines) => statements.Execute(
        "UPDATE catalogue_audit_originals SET contents = @contents WHERE id = @id", ("contents", Compress(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))))), ("id", id));

    /// <summary>Deletes some of the rows that were written before a time.</summary>
    /// <returns>Whether there may be more.</returns>
    public static bool Prune(Statements statements, long before) => statements.Execute(
        "DELETE FROM catalogue_audit_originals WHERE id IN (SELECT id FROM catalogue_audit_originals WHERE at < @before LIMIT @most)", ("before", before), ("most", DeletedAtOnce)) == DeletedAtOnce;

    private static OriginalRow Read(System.Data.Common.DbDataReader row) => new(row.GetInt64(0), row.GetString(1), Lines((byte[])row.GetValue(2)));

    private static byte[] Compress(ReadOnlySpan<byte> plain)
    {
        using var compressed = new MemoryStream();
        using (var brotli = new BrotliStream(compressed, CompressionLevel.Fastest))
            brotli.Write(plain);
        return compressed.ToArray();
    }

    private static List<string> Lines(byte[] contents)
    {
        using var reader = new StreamReader(new BrotliStream(new MemoryStream(contents), CompressionMode.Decompress), Encoding.UTF8);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
            lines.Add(line);
        return lines;
    }
}

/// <summary>Original messages of a repair.</summary>
/// <param name="Id">The row's number.</param>
/// <param name="Operation">The repair.</param>
/// <param name="Lines">One JSON object for each message.</param>
internal sealed record OriginalRow(long Id, string Operation, IReadOnlyList<string> Lines);
