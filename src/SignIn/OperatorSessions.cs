using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using WorkinIt.Storage;

namespace WorkinIt.SignIn;

/// <summary>
/// The sessions of operators. They are in a database that all instances of the application share, so signing out at one instance ends
/// the session at all of them. The cookie holds the session's key. The password is kept to ask RabbitMQ again. It is encrypted with both that
/// key and the key ring, so neither the database alone nor the database with the key ring is enough to read it.
/// </summary>
internal sealed class OperatorSessions(Database database, IDataProtectionProvider protection, TimeProvider time)
{
    private const string Purpose = "WorkinIt.Web: password of a session";

    /// <summary>How long a session lasts: a working shift.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(8);

    /// <summary>Starts a session, and removes expired ones.</summary>
    /// <returns>The key of the session.</returns>
    public string Begin(string name, IReadOnlyList<string> tags, string password)
    {
        var key = RandomNumberGenerator.GetHexString(64);
        var now = time.GetUtcNow();
        Write("DELETE FROM operator_sessions WHERE expires_at <= @now", ("now", now.ToUnixTimeMilliseconds()));
        Write(
            "INSERT INTO operator_sessions (id, name, tags, password, asked_at, expires_at) VALUES (@id, @name, @tags, @password, @now, @expires)",
            ("id", Id(key)), ("name", name), ("tags", string.Join(',', tags)), ("password", Protector(key).Protect(password)),
            ("now", now.ToUnixTimeMilliseconds()), ("expires", (now + Life).ToUnixTimeMilliseconds()));
        return key;
    }

    /// <summary>The session with this key; null if it has ended.</summary>
    public OperatorSession? Find(string key) => database.Read(statements => statements.Row(
        "SELECT name, tags, password, asked_at FROM operator_sessions WHERE id = @id AND expires_at > @now",
        row => new OperatorSession(key, row.GetString(0), row.GetString(1).Split(','), row.GetString(2), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3))),
        ("id", Id(key)), ("now", time.GetUtcNow().ToUnixTimeMilliseconds())));

    /// <summary>The password; null if the key ring can't decrypt it any more.</summary>
    public string? PasswordOf(OperatorSession session)
    {
        try
        {
            return Protector(session.Key).Unprotect(session.Password);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Records that RabbitMQ was asked again, and the current tags.</summary>
    public void Confirm(OperatorSession session, IReadOnlyList<string> tags) => Write(
        "UPDATE operator_sessions SET tags = @tags, asked_at = @now WHERE id = @id",
        ("id", Id(session.Key)), ("tags", string.Join(',', tags)), ("now", time.GetUtcNow().ToUnixTimeMilliseconds()));

    /// <summary>Ends a session.</summary>
    public void End(string key) => Write("DELETE FROM operator_sessions WHERE id = @id", ("id", Id(key)));

    /// <summary>Ends a session whose login RabbitMQ refused. All other sessions of this user are checked again on their next request.</summary>
    public void Refuse(OperatorSession session)
    {
        End(session.Key);
        Write("UPDATE operator_sessions SET asked_at = 0 WHERE name = @name", ("name", session.Name));
    }

    private void Write(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the SQL is a constant; user input is passed as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"@{name}", value);
            command.Parameters.Add(parameter);
        }
        command.ExecuteNonQuery();
    }

    private IDataProtector Protector(string key) => protection.CreateProtector(Purpose, key);

    // Only a hash of the key is stored, so a copy of the database does not contain usable session keys.
    private static string Id(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)));
}

/// <summary>The session of a signed-in operator.</summary>
/// <param name="Key">The key that the cookie holds.</param>
/// <param name="Name">The RabbitMQ user.</param>
/// <param name="Tags">Its tags that allow viewing or acting.</param>
/// <param name="Password">The encrypted password.</param>
/// <param name="AskedAt">When RabbitMQ was last asked about the user.</param>
internal sealed record OperatorSession(string Key, string Name, IReadOnlyList<string> Tags, string Password, DateTimeOffset AskedAt);
