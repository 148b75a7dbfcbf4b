using System.Data.Common;
using System.Globalization;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// A query's conditions as SQL on <c>catalogue_letters l</c>. Values are parameters. The statements differ from query to query, so they are
/// not prepared.
/// </summary>
internal sealed class QuerySql
{
    private const int Few = 5_000;

    private readonly List<string> _letter = []; // on the letter
    private readonly List<string> _group = []; // on its group g and queue q
    private readonly List<(string Name, object Value)> _parameters = [];
    private readonly bool _isSqlite;
    private bool _isFew;

    /// <param name="query">The query.</param>
    /// <param name="isSqlite">Whether the database is SQLite.</param>
    /// <param name="now">The time that ages refer to.</param>
    /// <param name="found">The letters that have the text and the header; null if the query has neither.</param>
    public QuerySql(CatalogueQuery query, bool isSqlite, DateTimeOffset now, TextSearch? found)
    {
        _isSqlite = isSqlite;
        AddGroup(query);
        if (query.Since is { } since)
            _letter.Add($"l.at >= {Parameter(since.ToUnixTimeMilliseconds())}");
        if (query.Until is { } until)
            _letter.Add($"l.at < {Parameter(until.ToUnixTimeMilliseconds())}");
        if (query.Younger is { } younger)
            _letter.Add($"l.at > {Parameter((now - younger).ToUnixTimeMilliseconds())}");
        if (query.Older is { } older)
            _letter.Add($"l.at < {Parameter((now - older).ToUnixTimeMilliseconds())}");
        AddId(query.Id);
        if (found is not null)
            _letter.Add(found.Keys is { } keys ? $"l.id = ANY({Parameter(keys)})" : $"l.id IN (SELECT id FROM {TextSearch.Table})");
        _isFew = query.Id is not null || found is { Count: < Few };
    }

    /// <summary>The conditions; the state's own is left to the caller.</summary>
    /// <param name="state">A condition on the state.</param>
    public string Where(string state)
    {
        // SQLite would go through all letters of a state, although few were found by their id or text. A plus keeps it from using an index of states.
        var conditions = _letter.Prepend(_isFew ? $"+{state}" : state);
        if (_group.Count > 0)
            conditions = conditions.Append($"l.group_id IN (SELECT g.id FROM catalogue_groups g JOIN catalogue_queues q ON q.id = g.queue_id WHERE {string.Join(" AND ", _group)})");
        return string.Join(" AND ", conditions);
    }

    /// <summary>The condition on the state that a query selects.</summary>
    public static string State(CatalogueQuery query) =>
        query.State is { } state ? string.Create(CultureInfo.InvariantCulture, $"l.state = {(int)state}") : LetterColumns.AnyState;

    /// <summary>Limits the query to one queue.</summary>
    public QuerySql InQueue(string source, string queue)
    {
        _group.Add($"q.source = {Parameter(source)} AND q.name = {Parameter(queue)}");
        return this;
    }

    /// <summary>Limits the query to the letters of one message.</summary>
    public QuerySql OfMessage(string messageId)
    {
        // A GUID with hyphens and the same without them are equal.
        string[] spellings = Guid.TryParse(messageId, out var id) ? [messageId, id.ToString(), id.ToString("N"), id.ToString().ToUpperInvariant(), id.ToString("N").ToUpperInvariant()] : [messageId];
        _isFew = true;
        _letter.Add($"l.message_id IN ({string.Join(", ", spellings.Distinct().Select(Parameter))})");
        return this;
    }

    /// <summary>Limits the query to the letters that follow one, newest first.</summary>
    public QuerySql After(LetterCursor after)
    {
        var at = Parameter(after.At);
        _letter.Add($"(l.at < {at} OR (l.at = {at} AND l.id < {Parameter(after.Key)}))");
        return this;
    }

    /// <summary>Runs a statement, and reads its rows.</summary>
    public IEnumerable<T> Rows<T>(Statements statements, string sql, Func<DbDataReader, T> read)
    {
        using var command = statements.Command();
#pragma warning disable CA2100 // our own text; user input is passed as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in _parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        using var rows = command.ExecuteReader();
        while (rows.Read())
            yield return read(rows);
    }

    private void AddGroup(CatalogueQuery query)
    {
        if (query.Source is { } source)
            _group.Add($"q.source = {Parameter(source)}");
        if (query.Queue is { } queue)
            _group.Add(CatalogueQuery.IsComplete(queue) ? $"q.name = {Parameter(queue[1..^1])}" : Contains("q.name", queue));
        if (query.Cause is { } cause)
            _group.Add($"g.cause = {Parameter(cause.ToLowerInvariant())}");
        foreach (var (column, part) in new[] { ("g.types", query.Type), ("g.exception", query.Exception), ("g.consumer", query.Consumer), ("g.version", query.Version) })
        {
            if (part is not null)
                _group.Add(Contains(column, part));
        }
    }

    private void AddId(string? id)
    {
        if (id is null)
            return;
        if (LetterId.TryParse(id, out var letter))
            _letter.Add($"l.hash = {Parameter(letter.Hash)} AND l.number = {Parameter(letter.Number)}");
        else
            OfMessage(id);
    }

    private string Contains(string column, string part)
    {
        var (condition, value) = TextSearch.Contains(column, PlainTexts.Storable(part, SearchText.Longest), NextParameter, _isSqlite);
        Parameter(value);
        return condition;
    }

    private string NextParameter => string.Create(CultureInfo.InvariantCulture, $"@p{_parameters.Count}");

    private string Parameter(object value)
    {
        _parameters.Add((NextParameter, value));
        return _parameters[^1].Name;
    }
}
