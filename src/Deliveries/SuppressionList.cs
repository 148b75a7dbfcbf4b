using System.Data.Common;
using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.Deliveries;

/// <summary>
/// The suppression list: recipients who have unsubscribed, by their names from <see cref="OptOutTokens"/>. It contains no addresses.
/// </summary>
/// <param name="database">The ledger's database: a sender reads both.</param>
/// <param name="time">The clock.</param>
public sealed class SuppressionList(Database database, TimeProvider time)
{
    /// <summary>Whether a recipient is on the list.</summary>
    /// <param name="name">The recipient's name.</param>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public bool Contains(string name) =>
        database.Read(statements => statements.Scalar<string>("SELECT recipient FROM opt_outs WHERE recipient = @name", ("name", name))) is not null;

    /// <summary>Adds a recipient to the list. An existing entry is left unchanged.</summary>
    /// <param name="name">The recipient's name.</param>
    /// <returns>Whether the entry is new.</returns>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public bool Add(string name)
    {
        using var connection = database.Open();
        return connection.Execute(
            "INSERT INTO opt_outs (recipient, since) VALUES (@name, @now) ON CONFLICT (recipient) DO NOTHING", new { name, now = time.GetUtcNow().ToUnixTimeMilliseconds() }) > 0;
    }

    /// <summary>Removes a recipient from the list.</summary>
    /// <param name="name">The recipient's name.</param>
    /// <returns>Whether the recipient was on the list.</returns>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public bool Remove(string name)
    {
        using var connection = database.Open();
        return connection.Execute("DELETE FROM opt_outs WHERE recipient = @name", new { name }) > 0;
    }
}
