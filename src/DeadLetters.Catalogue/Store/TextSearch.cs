using System.Data.Common;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Finds the letters that have the text and the header of a query, once for all statements that need them. On SQLite they are put into a
/// temporary table of the connection.
/// </summary>
/// <param name="Count">How many letters were found.</param>
/// <param name="Keys">The letters; null on SQLite.</param>
internal sealed record TextSearch(long Count, long[]? Keys)
{
    public const string Table = "temp.catalogue_found";

    /// <summary>Runs the search.</summary>
    /// <returns>Null if the query has neither a text nor a header.</returns>
    public static TextSearch? Run(Statements statements, CatalogueQuery query, bool isSqlite)
    {
        if (!query.IsSearch)
            return null;
        var isShort = query.Text is { Length: > 0 and < SearchText.Shortest };
        string[] parts = [.. new[] { isShort ? null : query.Text, query.Header is { } header ? SearchText.Header(header.Name, header.Value) : null }.OfType<string>().Select(part => PlainTexts.Storable(part, SearchText.Longest)).Where(part => part.Length > 0)];
        var notIndexed = parts.Length == 0 ? [] : NotIndexed.Find(statements, parts);
        var sql = Sql(parts, isShort ? query.Text : null, isSqlite);
        return isSqlite ? Fill(statements, sql, notIndexed) : Read(statements, sql, notIndexed);
    }

    /// <summary>A condition that a column contains a text, whatever its case.</summary>
    public static (string Condition, string Value) Contains(string column, string part, string parameter, bool isSqlite)
    {
        var pattern = part.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);
        return ($"{column} {(isSqlite ? "LIKE" : "ILIKE")} {parameter} ESCAPE '\\'", $"%{pattern}%");
    }

    private static (string Sql, (string, object)[] Parameters) Sql(string[] parts, string? inReason, bool isSqlite)
    {
        var (selects, parameters) = (new List<string>(), new List<(string, object)>());
        if (inReason is not null)
            selects.Add($"SELECT id FROM catalogue_letters WHERE {Condition("reason", inReason)}");
        if (parts.Length > 0 && isSqlite)
        {
            parameters.Add(("@match", string.Join(" AND ", parts.Select(part => $"\"{part.Replace("\"", "\"\"", StringComparison.Ordinal)}\""))));
            selects.Add("SELECT rowid FROM catalogue_text WHERE catalogue_text MATCH @match");
        }
        else if (parts.Length > 0)
            selects.Add($"SELECT letter_id FROM catalogue_text WHERE {string.Join(" AND ", parts.Select(part => Condition("text", part)))}");
        return (string.Join(" INTERSECT ", selects), [.. parameters]);

        string Condition(string column, string part)
        {
            var name = $"@part{parameters.Count}";
            var (condition, value) = Contains(column, part, name, isSqlite);
            parameters.Add((name, value));
            return condition;
        }
    }

    private static TextSearch Fill(Statements statements, (string Text, (string, object)[] Parameters) sql, IReadOnlyList<long> notIndexed)
    {
        Run(statements, $"CREATE TEMP TABLE IF NOT EXISTS catalogue_found (id INTEGER PRIMARY KEY); DELETE FROM {Table}", []);
        var count = Run(statements, $"INSERT INTO {Table} {sql.Text}", sql.Parameters);
        foreach (var key in notIndexed)
            count += statements.Execute($"INSERT OR IGNORE INTO {Table} VALUES (@key)", ("key", key));
        return new TextSearch(count, null);
    }

    private static TextSearch Read(Statements statements, (string Text, (string, object)[] Parameters) sql, IReadOnlyList<long> notIndexed)
    {
        var keys = new HashSet<long>(notIndexed);
        using var command = Command(statements, sql.Text, sql.Parameters);
        using var rows = command.ExecuteReader();
        while (rows.Read())
            keys.Add(rows.GetInt64(0));
        return new TextSearch(keys.Count, [.. keys]);
    }

    private static int Run(Statements statements, string sql, (string, object)[] parameters)
    {
        using var command = Command(statements, sql, parameters);
        return command.ExecuteNonQuery();
    }

    private static DbCommand Command(Statements statements, string sql, (string Name, object Value)[] parameters)
    {
        var command = statements.Command();
#pragma warning disable CA2100 // our own text; user input is passed as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
