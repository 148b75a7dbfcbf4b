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

    /// <summary>The letters of these that have the text and the header of a query.</summary>
    public static IReadOnlyList<long> Find(Statements statements, CatalogueQuery query)
    {
        string?[] parts = [query.Text is { Length: >= SearchText.Shortest } text ? text : null, query.Header is { } header ? SearchText.Header(header.Name, header.Value) : null];
        return [.. Read(statements, most: null).Where(letter => parts.All(part => part is null || letter.Text.Contains(part, StringComparison.OrdinalIgnoreCase))).Select(letter => letter.Key)];
    }

    /// <summary>The oldest of these letters, with their texts.</summary>
    public static IEnumerable<(long Key, string Text)> Read(Statements statements, int? most)
    {
        using var command = statements.Connection.CreateCommand();
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
