using System.Data.Common;
using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.Deliveries;

/// <summary>Who said "never mail me again", by the names of <see cref="OptOutTokens"/>. It holds no address.</summary>
/// <param name="database">The ledger's: who sends asks both.</param>
/// <param name="time">The clock.</param>
public sealed class OptOutList(Database database, TimeProvider time)
{
    /// <summary>Whether a recipient is on the list.</summary>
    /// <param name="name">The recipient's name.</param>
    /// <exception cref="DbException">The database is out of reach.</exception>
    public bool Contains(string name) =>
        database.Read(statements => statements.Scalar<string>("SELECT recipient FROM opt_outs WHERE recipient = @name", ("name", name))) is not null;

    /// <summary>Puts a recipient on the list; who is there already stays.</summary>
    /// <param name="name">The recipient's name.</param>
    /// <returns>Whether it is new there.</returns>
    /// <exception cref="DbException">The database is out of reach.</exception>
    public bool Add(string name)
    {
        using var connection = database.Open();
        return connection.Execute(
            "INSERT INTO opt_outs (recipient, since) VALUES (@name, @now) ON CONFLICT (recipient) DO NOTHING", new { name, now = time.GetUtcNow().ToUnixTimeMilliseconds() }) > 0;
    }

    /// <summary>Takes a recipient off the list.</summary>
    /// <param name="name">The recipient's name.</param>
    /// <returns>Whether it was there.</returns>
    /// <exception cref="DbException">The database is out of reach.</exception>
    public bool Remove(string name)
    {
        using var connection = database.Open();
        return connection.Execute("DELETE FROM opt_outs WHERE recipient = @name", new { name }) > 0;
    }
}
