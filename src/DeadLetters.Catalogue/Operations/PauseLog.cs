using System.Data.Common;
using System.Globalization;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>The pauses of replays, in the catalogue's database: any instance shows them, and a user of any instance ends them.</summary>
internal sealed class PauseLog(Database database, GroupCommit commits, TimeProvider time)
{
    private const int MostText = 1000;
    private static readonly TimeSpan _life = TimeSpan.FromDays(7); // of a pause whose instance was killed

    /// <summary>Records the pause of an operation, or that it is not paused.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="pause">The pause; null if it is not paused.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The answer of a user of any instance; null while there is none.</returns>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task<PauseAnswer?> ReportAsync(string operation, ReplayPause? pause, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        statements.Execute("DELETE FROM catalogue_pauses WHERE paused_at < @oldest", ("oldest", now - (long)_life.TotalMilliseconds));
        if (pause is null)
        {
            statements.Execute("DELETE FROM catalogue_pauses WHERE operation = @id", ("id", operation));
            return null;
        }
        var isKnown = statements.Execute(
            "UPDATE catalogue_pauses SET is_resumed = CASE WHEN text = @text THEN is_resumed ELSE 0 END, reason = @reason, text = @text, slower_pace = @slower WHERE operation = @id",
            ("reason", pause.Reason.ToString()), ("text", Cut(pause.Text)), ("slower", pause.SlowerPace), ("id", operation)) > 0;
        if (!isKnown)
        {
            statements.Execute(
                "INSERT INTO catalogue_pauses (operation, paused_at, reason, text, slower_pace) VALUES (@id, @now, @reason, @text, @slower)",
                ("id", operation), ("now", now), ("reason", pause.Reason.ToString()), ("text", Cut(pause.Text)), ("slower", pause.SlowerPace));
        }
        return statements.Row(
            "SELECT pace FROM catalogue_pauses WHERE operation = @id AND is_resumed = 1",
            row => new PauseAnswer(true, row.IsDBNull(0) ? null : row.GetDouble(0)), ("id", operation));
    }, cancellationToken);

    /// <summary>Asks the instance that runs a paused operation to resume it.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="pace">The pace from now on; null: unchanged.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>False if it is not paused.</returns>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task<bool> ResumeAsync(string operation, double? pace, CancellationToken cancellationToken) => commits.WriteAsync(
        statements => statements.Execute("UPDATE catalogue_pauses SET is_resumed = 1, pace = @pace WHERE operation = @id", ("pace", pace), ("id", operation)) > 0, cancellationToken);

    /// <summary>Finds the pause of an operation of any instance; null if it is not paused.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public ReplayPause? Find(string operation) => database.Read(statements => statements.Row(
        "SELECT reason, text, slower_pace FROM catalogue_pauses WHERE operation = @id",
        row => new ReplayPause(Enum.Parse<PauseReason>(row.GetString(0)), row.GetString(1), Convert.ToDouble(row.GetValue(2), CultureInfo.InvariantCulture)), ("id", operation)));

    private static string Cut(string text) => text.Length <= MostText ? text : text[..(MostText - 1)] + "…";
}
