using System.Data.Common;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>Requests to pause a running replay, in the catalogue's database: a user of any instance pauses a replay of any other one.</summary>
internal sealed class PauseRequests(Database database, GroupCommit commits, TimeProvider time)
{
    private const int LongestName = 255;
    private static readonly TimeSpan _life = TimeSpan.FromDays(7); // of a replay whose instance was killed

    /// <summary>Records that a replay runs and can be paused.</summary>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task OfferAsync(string operation, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        statements.Execute("DELETE FROM catalogue_pause_requests WHERE started_at < @oldest OR operation = @id", ("oldest", now - (long)_life.TotalMilliseconds), ("id", operation));
        return statements.Execute("INSERT INTO catalogue_pause_requests (operation, started_at) VALUES (@id, @now)", ("id", operation), ("now", now));
    }, cancellationToken);

    /// <summary>Records that a replay has ended.</summary>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task EndAsync(string operation, CancellationToken cancellationToken) =>
        commits.WriteAsync(statements => statements.Execute("DELETE FROM catalogue_pause_requests WHERE operation = @id", ("id", operation)), cancellationToken);

    /// <summary>Asks the instance that runs a replay to pause it.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="by">The user.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>False if no such replay runs.</returns>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task<bool> AskAsync(string operation, string by, CancellationToken cancellationToken) => commits.WriteAsync(
        statements => statements.Execute("UPDATE catalogue_pause_requests SET requested_by = @by WHERE operation = @id", ("by", by.Length <= LongestName ? by : by[..LongestName]), ("id", operation)) > 0,
        cancellationToken);

    /// <summary>Takes the request for a replay of this instance.</summary>
    /// <returns>The user who has asked; null if nobody has.</returns>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public async Task<string?> TakeAsync(string operation, CancellationToken cancellationToken)
    {
        if (Find(operation) is not { RequestedBy: { } by })
            return null;
        await commits.WriteAsync(statements => statements.Execute("UPDATE catalogue_pause_requests SET requested_by = NULL WHERE operation = @id", ("id", operation)), cancellationToken);
        return by;
    }

    /// <summary>Finds a replay of any instance that can be paused; null if there is none.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public PausableReplay? Find(string operation) => database.Read(statements => statements.Row(
        "SELECT requested_by FROM catalogue_pause_requests WHERE operation = @id", row => new PausableReplay(row.IsDBNull(0) ? null : row.GetString(0)), ("id", operation)));
}

/// <summary>A running replay that can be paused.</summary>
/// <param name="RequestedBy">The user who has asked for a pause that has not begun; null if nobody has.</param>
internal sealed record PausableReplay(string? RequestedBy);
