using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Letters that the index of texts does not contain yet: the newest.</summary>
internal static class NotIndexed
{
    private const string Sql =
        """
        SELECT l.id, l.hash, l.number, l.reason, b.contents FROM catalogue_letters l LEFT JOIN catalogue_bodies b ON b.letter_id = l.id
        WHERE l.indexed = 0 ORDER BY l.id
        """;

    /// <summary>The letters of these whose texts have all parts.</summary>
    public static IReadOnlyList<long> Find(Statements statements, string[] parts) =>
        [.. Read(statements, most: null).Where(letter => parts.All(part => letter.Text.Contains(part, StringComparison.OrdinalIgnoreCase))).Select(letter => letter.Key)];

    /// <summary>The oldest of these letters, with their texts.</summary>
    public static IEnumerable<(long Key, string Text)> Read(Statements statements, int? most)
    {
        using var command = statements.Command();
#pragma warning disable CA2100 // our own text
        command.CommandText = most is { } limit ? $"{Sql} LIMIT {limit}" : Sql;
#pragma warning restore CA2100
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var id = new LetterId(rows.GetInt64(1), rows.GetInt64(2));
            yield return (rows.GetInt64(0), SearchText.Of(rows.GetString(3), rows.IsDBNull(4) ? null : LetterContents.Read((byte[])rows.GetValue(4), "", id)));
        }
    }
}
