using System.Globalization;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Replays;

/// <summary>Writes what was observed of replayed messages, within one transaction. Whatever the order in which it arrives, the result is the same.</summary>
/// <param name="statements">The statements of the transaction.</param>
/// <param name="now">The time of the change, in Unix milliseconds.</param>
internal sealed class ReplayWriting(Statements statements, long now)
{
    private const int LongestName = 512;

    // As ReportReader.Replaces says.
    private const string IsLater =
        """
        catalogue_replays.kind IS NULL OR @tries > catalogue_replays.tries OR @at > catalogue_replays.reported_at
        OR (@at = catalogue_replays.reported_at AND @kind <> 0)
        OR (@tries = catalogue_replays.tries AND catalogue_replays.kind = 0 AND @kind <> 0)
        """;

    private const string Report =
        """
        kind = @kind, tries = @tries, reported_at = @at, consumer = @consumer, version = @version, milliseconds = @time, until_at = @until, exception = @exception,
        is_advice_later = 0
        """;

    /// <summary>Writes a report, unless a later one is known.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="number">The message's number in it.</param>
    /// <param name="report">The report.</param>
    /// <param name="adds">Whether to keep the report of a message that no notice has named yet.</param>
    /// <returns>Whether a row was added.</returns>
    public bool Add(string operation, long number, ReplayReport report, bool adds)
    {
        (string, object?)[] values =
        [
            ("operation", operation), ("number", number), ("now", now), ("kind", (short)report.Kind), ("tries", (long)report.Try), ("at", report.At.ToUnixTimeMilliseconds()),
            ("consumer", Name(report.Consumer)), ("version", Name(report.Version)), ("time", report.Milliseconds), ("until", report.Until?.ToUnixTimeMilliseconds()), ("exception", Name(report.ExceptionType)),
        ];
        var isKnown = statements.Scalar<long?>("SELECT id FROM catalogue_replays WHERE operation = @operation AND number = @number", values) is not null;
        if (isKnown)
            statements.Execute($"UPDATE catalogue_replays SET {Report} WHERE operation = @operation AND number = @number AND ({IsLater})", values);
        else if (adds)
        {
            statements.Execute(
                """
                INSERT INTO catalogue_replays (operation, number, first_at, kind, tries, reported_at, consumer, version, milliseconds, until_at, exception)
                VALUES (@operation, @number, @now, @kind, @tries, @at, @consumer, @version, @time, @until, @exception)
                """, values);
        }
        return !isKnown && adds;
    }

    /// <summary>Writes a replayed message of a notice.</summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="notice">The notice.</param>
    /// <param name="item">The message.</param>
    public void Add(string source, ReplayNotice notice, ReplayedItem item)
    {
        if (item.Number < 1 || !LetterId.TryParse(item.Id, out var letter))
            return;
        statements.Execute(
            """
            INSERT INTO catalogue_replays (operation, number, first_at, source, queue, letter_hash, letter_number, target, moved_at)
            VALUES (@operation, @number, @now, @source, @queue, @hash, @letter, @target, @at)
            ON CONFLICT (operation, number) DO UPDATE SET source = @source, queue = @queue, letter_hash = @hash, letter_number = @letter, target = @target,
              moved_at = CASE WHEN catalogue_replays.moved_at IS NULL THEN @at ELSE catalogue_replays.moved_at END
            """,
            ("operation", notice.Operation), ("number", item.Number), ("now", now), ("source", source), ("queue", Name(notice.LetterQueue)), ("hash", letter.Hash), ("letter", letter.Number),
            ("target", Name(item.Target)), ("at", notice.At.ToUnixTimeMilliseconds()));
        if (item.Outcome is { } outcome)
            AddOutcome(notice, item, outcome);
    }

    /// <summary>Writes that a message has become a dead letter again. A later dead letter of the same message replaces nothing.</summary>
    /// <param name="replayId">The replay's id on the dead letter.</param>
    /// <param name="outcome">Failed again or skipped.</param>
    /// <param name="queue">The queue of the new dead letter.</param>
    /// <param name="letter">Its id.</param>
    /// <param name="adds">Whether to keep it if no notice has named the message yet.</param>
    public void Failed(string replayId, Outcome outcome, string queue, LetterId letter, bool adds)
    {
        if (!ReportReader.TryParseId(replayId, out var operation, out var number))
            return;
        (string, object?)[] values =
        [
            ("operation", operation), ("number", number), ("now", now), ("seen", (short)outcome), ("newQueue", Name(queue)), ("newHash", letter.Hash), ("newNumber", letter.Number),
        ];
        if (statements.Execute(
            "UPDATE catalogue_replays SET seen = @seen, new_queue = @newQueue, new_hash = @newHash, new_number = @newNumber WHERE operation = @operation AND number = @number AND (new_hash IS NULL OR new_queue = '')", values) == 0 && adds)
        {
            statements.Execute(
                """
                INSERT INTO catalogue_replays (operation, number, first_at, seen, new_queue, new_hash, new_number)
                VALUES (@operation, @number, @now, @seen, @newQueue, @newHash, @newNumber)
                ON CONFLICT (operation, number) DO NOTHING
                """, values);
        }
    }

    private void AddOutcome(ReplayNotice notice, ReplayedItem item, Outcome outcome)
    {
        if (outcome == Outcome.LeftQueue)
            statements.Execute("UPDATE catalogue_replays SET left_queue = 1 WHERE operation = @operation AND number = @number", ("operation", notice.Operation), ("number", item.Number));
        else if (item.NewId is not null && outcome is Outcome.FailedAgain or Outcome.Skipped && LetterId.TryParse(item.NewId, out var letter))
            Failed(string.Create(CultureInfo.InvariantCulture, $"{notice.Operation}.{item.Number}"), outcome, item.NewQueue ?? "", letter, adds: false);
        else if (item.Advised && OutcomeMerge.IsWord(outcome))
        {
            statements.Execute(
                "UPDATE catalogue_replays SET advice = @advice, advised_at = @at, is_advice_later = 1 WHERE operation = @operation AND number = @number",
                ("advice", (short)outcome), ("at", notice.At.ToUnixTimeMilliseconds()), ("operation", notice.Operation), ("number", item.Number));
        }
    }

    private static string? Name(string? text) => text is null ? null : PlainTexts.Storable(text, LongestName);
}
