using System.Data.Common;
using System.Globalization;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Replays;

/// <summary>Reads the outcomes of replayed messages.</summary>
internal static class ReplayReading
{
    /// <summary>The outcome of a row r, as <see cref="OutcomeMerge"/> decides it.</summary>
    internal const string OutcomeOf =
        """
        CASE WHEN r.seen IS NOT NULL THEN r.seen
          WHEN r.advice IN (0, 1, 3) OR (r.advice IS NOT NULL AND r.is_advice_later = 1 AND (r.kind IS NULL OR r.kind NOT IN (2, 4))) THEN r.advice
          WHEN r.kind = 0 THEN 6 WHEN r.kind = 1 THEN 0 WHEN r.kind = 2 THEN 1 WHEN r.kind = 3 THEN 2 WHEN r.kind = 4 THEN 3
          WHEN r.advice IS NOT NULL THEN r.advice
          WHEN r.left_queue = 1 THEN 4 ELSE 5 END
        """;

    private const string Columns =
        $"""
        r.operation, r.number, r.letter_hash, r.letter_number, r.target, r.moved_at, {OutcomeOf} AS outcome,
        r.kind, r.reported_at, r.consumer, r.version, r.milliseconds, r.until_at, r.exception, r.advised_at, r.new_queue, r.new_hash, r.new_number,
        n.reason, ng.exception, n.at,
        (SELECT min(l.message_id) FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id WHERE q.source = r.source AND q.name = r.queue AND l.hash = r.letter_hash)
        """;

    private const string Joins =
        """
        LEFT JOIN catalogue_queues nq ON nq.source = r.source AND nq.name = r.new_queue
        LEFT JOIN catalogue_letters n ON n.queue_id = nq.id AND n.hash = r.new_hash AND n.number = r.new_number
        LEFT JOIN catalogue_groups ng ON ng.id = n.group_id
        """;

    /// <summary>The messages of an operation; null if the catalogue has none.</summary>
    /// <param name="statements">The statements of the read.</param>
    /// <param name="operation">The operation's id in the audit log.</param>
    /// <param name="most">How many are listed.</param>
    public static FollowedOperation? OfOperation(Statements statements, string operation, int most)
    {
        var counts = new long[Enum.GetValues<Outcome>().Length];
        foreach (var (outcome, count) in Rows(
            statements, $"SELECT {OutcomeOf} AS outcome, count(*) FROM catalogue_replays r WHERE r.operation = @operation AND r.letter_hash IS NOT NULL GROUP BY 1",
            row => (Number(row, 0)!.Value, row.GetInt64(1)), ("operation", operation)))
            counts[outcome] = count;
        return counts.Sum() == 0 ? null : new FollowedOperation(OutcomeCounts.Of(counts), counts.Sum(), Rows(
            statements,
            $"""
            SELECT {Columns} FROM (SELECT * FROM catalogue_replays r WHERE r.operation = @operation AND r.letter_hash IS NOT NULL
              ORDER BY CASE WHEN {OutcomeOf} IN (1, 3) THEN 0 ELSE 1 END, r.number LIMIT {most.ToString(CultureInfo.InvariantCulture)}) AS r {Joins}
            ORDER BY CASE WHEN {OutcomeOf} IN (1, 3) THEN 0 ELSE 1 END, r.number
            """, Read, ("operation", operation)));
    }

    /// <summary>The replays of some letters, by the letter's key in the catalogue.</summary>
    /// <param name="statements">The statements of the read.</param>
    /// <param name="letters">The letters' keys.</param>
    public static IReadOnlyDictionary<long, FollowedReplay> OfLetters(Statements statements, IReadOnlyCollection<long> letters)
    {
        if (letters.Count == 0)
            return new Dictionary<long, FollowedReplay>();
        var keys = string.Join(", ", letters.Select(key => key.ToString(CultureInfo.InvariantCulture)));
        return Rows(
            statements,
            $"""
            SELECT {Columns}, o.id FROM catalogue_letters o JOIN catalogue_queues oq ON oq.id = o.queue_id
            JOIN catalogue_replays r ON r.operation = o.operation AND r.letter_hash = o.hash AND r.letter_number = o.moved_as AND r.queue = oq.name AND r.source = oq.source
            {Joins} WHERE o.id IN ({keys})
            """, row => (Key: row.GetInt64(22), Replay: Read(row))).DistinctBy(one => one.Key).ToDictionary(one => one.Key, one => one.Replay);
    }

    private static FollowedReplay Read(DbDataReader row)
    {
        var outcome = (Outcome)Number(row, 6)!.Value;
        var kind = Number(row, 7) is { } number ? (ReportKind)number : (ReportKind?)null;
        var isReported = kind is { } report && OutcomeMerge.OutcomeOf(report) == outcome;
        var moved = Time(row, 5) ?? DateTimeOffset.UnixEpoch;
        var reported = !isReported || Time(row, 8) is not { } at ? null : new ReportedOutcome
        {
            At = at,
            Consumer = LetterColumns.Text(row, 9),
            Version = LetterColumns.Text(row, 10),
            Milliseconds = kind == ReportKind.Taken || row.IsDBNull(11) ? null : row.GetDouble(11),
            Until = kind == ReportKind.Delayed ? Time(row, 12) : null,
            ExceptionType = LetterColumns.Text(row, 13),
        };
        var letter = row.IsDBNull(16) ? null : new DeadLetters.NewLetter(
            LetterColumns.Text(row, 15) is { Length: > 0 } queue ? queue : null, new LetterId(row.GetInt64(16), row.GetInt64(17)).ToString(), LetterColumns.Text(row, 19) ?? reported?.ExceptionType, LetterColumns.Text(row, 18) ?? "");
        var message = new Replayed(new LetterId(row.GetInt64(2), row.GetInt64(3)).ToString(), LetterColumns.Text(row, 21), string.Create(CultureInfo.InvariantCulture, $"{row.GetString(0)}.{row.GetInt64(1)}"), Verdict.Good)
        {
            Target = LetterColumns.Text(row, 4) ?? "",
            Outcome = outcome,
            NewLetter = letter,
            Reported = reported,
        };
        return new FollowedReplay(message, letter is not null ? Time(row, 20) ?? reported?.At ?? moved : reported?.At ?? Time(row, 14) ?? moved);
    }

    private static int? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : Convert.ToInt32(row.GetValue(column), CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(DbDataReader row, int column) => row.IsDBNull(column) ? null : LetterColumns.Time(row.GetInt64(column));

    private static List<T> Rows<T>(Statements statements, string sql, Func<DbDataReader, T> read, params (string Name, object Value)[] parameters)
    {
        using var command = statements.Connection.CreateCommand();
#pragma warning disable CA2100 // our own text; values are parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ("@" + name, value);
            command.Parameters.Add(parameter);
        }
        var all = new List<T>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
            all.Add(read(rows));
        return all;
    }
}
