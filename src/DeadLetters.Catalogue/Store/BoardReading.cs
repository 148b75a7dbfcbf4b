using System.Data.Common;
using System.Globalization;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Computes a board.</summary>
internal sealed class BoardReading(Statements statements, QuerySql sql, CatalogueQuery query, DateTimeOffset now)
{
    private const int MostCauses = 1000;
    private const int MostNames = 10; // message types and versions of a cause

    // A discarded or restored letter is in another queue, too, where it is counted.
    private const string Failed = "l.state IN (0, 1, 4, 5, 6)";

    private static readonly TimeSpan _rate = TimeSpan.FromMinutes(5);

    private readonly BoardWindow _window = BoardWindow.Of(query.Span, now);

    public Board Read()
    {
        var where = sql.Where(QuerySql.State(query));
        var totals = sql.Rows(statements, $"""
            SELECT l.group_id, count(*), min(l.at), max(l.at), CAST(sum(CASE WHEN l.replays > 0 THEN 1 ELSE 0 END) AS BIGINT), max(l.id)
            FROM catalogue_letters l WHERE {where} GROUP BY l.group_id
            """, Total).ToList();
        var groups = Groups(totals.Count);
        var known = totals.Where(total => groups.ContainsKey(total.Group)).ToList();
        var (histogram, sparklines) = Failures(groups);
        var causes = known.GroupBy(total => groups[total.Group].Cause).Select(cause => (Id: cause.Key, Totals: cause.OrderByDescending(total => total.Count).ToList()))
            .OrderByDescending(cause => cause.Totals.Sum(total => total.Count)).ThenBy(cause => cause.Id, StringComparer.Ordinal).Take(MostCauses);
        return new Board
        {
            Letters = known.Sum(total => total.Count),
            Causes = [.. causes.Select(cause => Cause(cause.Totals, groups, sparklines.GetValueOrDefault(cause.Id)))],
            Queues = Queues(known, groups),
            Histogram = histogram,
            From = LetterColumns.Time(_window.From),
            Step = TimeSpan.FromMilliseconds(_window.Step),
            Oldest = Oldest(known),
            PerMinute = Count($"{sql.Where(Failed)} AND l.at > {Milliseconds(now - _rate)} AND l.at <= {Milliseconds(now)}") / _rate.TotalMinutes,
        };
    }

    private BoardCause Cause(List<GroupTotal> totals, Dictionary<long, GroupFacts> groups, long[]? sparkline)
    {
        var largest = groups[totals[0].Group];
        return new BoardCause
        {
            Cause = new Cause(largest.Cause, largest.Exception, largest.Text, largest.Frame),
            Count = totals.Sum(total => total.Count),
            First = LetterColumns.Time(totals.Min(total => total.First)),
            Last = LetterColumns.Time(totals.Max(total => total.Last)),
            Sparkline = sparkline ?? new long[_window.Count],
            Queues = Queues(totals, groups),
            MessageTypes = Names(totals, total => LetterColumns.FirstType(groups[total.Group].Types)),
            Versions = Names(totals, total => groups[total.Group].Version),
            FailedAgain = totals.Sum(total => total.FailedAgain),
            Example = Address(totals.Max(total => total.Newest)),
        };
    }

    private static List<string> Names(List<GroupTotal> totals, Func<GroupTotal, string?> name) => [.. totals.Select(name).OfType<string>().Distinct().Take(MostNames)];

    private static List<QueueCount> Queues(IEnumerable<GroupTotal> totals, Dictionary<long, GroupFacts> groups) =>
    [
        .. totals.GroupBy(total => (groups[total.Group].Source, groups[total.Group].Queue)).Select(queue => new QueueCount(queue.Key.Source, queue.Key.Queue, queue.Sum(total => total.Count)))
            .OrderByDescending(queue => queue.Count).ThenBy(queue => queue.Source, StringComparer.Ordinal).ThenBy(queue => queue.Queue, StringComparer.Ordinal),
    ];

    private (long[] Histogram, Dictionary<string, long[]> Sparklines) Failures(Dictionary<long, GroupFacts> groups)
    {
        var (histogram, sparklines) = (new long[_window.Count], new Dictionary<string, long[]>());
        var steps = sql.Rows(statements, $"""
            SELECT l.group_id, (l.at - {_window.From}) / {_window.Step} AS step, count(*)
            FROM catalogue_letters l WHERE {sql.Where(Failed)} AND l.at >= {_window.From} AND l.at < {_window.From + (_window.Count * _window.Step)} GROUP BY l.group_id, step
            """, static row => (Group: row.GetInt64(0), Step: (int)row.GetInt64(1), Count: row.GetInt64(2)));
        foreach (var step in steps)
        {
            histogram[step.Step] += step.Count;
            if (!groups.TryGetValue(step.Group, out var group))
                continue;
            if (!sparklines.TryGetValue(group.Cause, out var sparkline))
                sparklines.Add(group.Cause, sparkline = new long[_window.Count]);
            sparkline[step.Step] += step.Count;
        }
        return (histogram, sparklines);
    }

    private Dictionary<long, GroupFacts> Groups(int needed) => needed == 0 ? [] : sql.Rows(statements, """
        SELECT g.id, q.source, q.name, g.cause, g.exception, g.text, g.frame, g.types, g.version FROM catalogue_groups g JOIN catalogue_queues q ON q.id = g.queue_id
        """, static row => (Id: row.GetInt64(0), Facts: new GroupFacts(
            row.GetString(1), row.GetString(2), row.GetString(3), LetterColumns.Text(row, 4), row.GetString(5), LetterColumns.Text(row, 6), LetterColumns.Text(row, 7), LetterColumns.Text(row, 8))))
        .ToDictionary(group => group.Id, group => group.Facts);

    private DateTimeOffset? Oldest(List<GroupTotal> known)
    {
        if (query.State == LetterState.There)
            return known.Count == 0 ? null : LetterColumns.Time(known.Min(total => total.First));
        return sql.Rows<long?>(statements, $"SELECT min(l.at) FROM catalogue_letters l WHERE {sql.Where("l.state = 0")}", static row => row.IsDBNull(0) ? null : row.GetInt64(0)).Single() is { } oldest
            ? LetterColumns.Time(oldest)
            : null;
    }

    private LetterAddress Address(long key) => statements.Row(
        "SELECT q.source, q.name, l.hash, l.number FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id WHERE l.id = @id",
        static row => new LetterAddress(row.GetString(0), row.GetString(1), new LetterId(row.GetInt64(2), row.GetInt64(3)).ToString()), ("id", key)) ?? new LetterAddress("", "", "");

    private long Count(string where) => sql.Rows(statements, $"SELECT count(*) FROM catalogue_letters l WHERE {where}", static row => row.GetInt64(0)).Single();

    private static string Milliseconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    private static GroupTotal Total(DbDataReader row) => new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5));

    private sealed record GroupTotal(long Group, long Count, long First, long Last, long FailedAgain, long Newest);

    private sealed record GroupFacts(string Source, string Queue, string Cause, string? Exception, string Text, string? Frame, string? Types, string? Version);
}
