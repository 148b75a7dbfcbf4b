using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using WorkinIt.Storage;

namespace WorkinIt.Web.SignIn;

/// <summary>
/// Who is signed in, in the database of the submissions, which all instances of Web share: a session that is ended at one instance is ended
/// at all of them. The cookie holds the key to a session. The password is kept to ask RabbitMQ again, encrypted by that key and the key ring:
/// the database alone does not give it away, and neither does the database with the key ring.
/// </summary>
internal sealed class OperatorSessions(Database database, IDataProtectionProvider protection, TimeProvider time)
{
    private const string Purpose = "WorkinIt.Web: password of a session";

    /// <summary>A shift.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(8);

    /// <summary>Begins a session, and removes those whose time is over.</summary>
    /// <returns>Its key.</returns>
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

    /// <summary>The session of a key; null where it has ended.</summary>
    public OperatorSession? Find(string key) => database.Read(statements => statements.Row(
        "SELECT name, tags, password, asked_at FROM operator_sessions WHERE id = @id AND expires_at > @now",
        row => new OperatorSession(key, row.GetString(0), row.GetString(1).Split(','), row.GetString(2), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3))),
        ("id", Id(key)), ("now", time.GetUtcNow().ToUnixTimeMilliseconds())));

    /// <summary>The password; null where the key ring can't read it any more.</summary>
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

    /// <summary>RabbitMQ was asked again, and these are the tags now.</summary>
    public void Confirm(OperatorSession session, IReadOnlyList<string> tags) => Write(
        "UPDATE operator_sessions SET tags = @tags, asked_at = @now WHERE id = @id",
        ("id", Id(session.Key)), ("tags", string.Join(',', tags)), ("now", time.GetUtcNow().ToUnixTimeMilliseconds()));

    /// <summary>Ends a session.</summary>
    public void End(string key) => Write("DELETE FROM operator_sessions WHERE id = @id", ("id", Id(key)));

    /// <summary>Ends a session that RabbitMQ refuses. Each other one of that name is asked about before it does anything more.</summary>
    public void Refuse(OperatorSession session)
    {
        End(session.Key);
        Write("UPDATE operator_sessions SET asked_at = 0 WHERE name = @name", ("name", session.Name));
    }

    private void Write(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // a text of ours; what people typed comes as parameters
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

    // A copy of the database must not be a bunch of keys.
    private static string Id(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)));
}

/// <summary>A person who is signed in.</summary>
/// <param name="Key">The key that the cookie holds.</param>
/// <param name="Name">The RabbitMQ user.</param>
/// <param name="Tags">Its tags, as far as they let people look or act.</param>
/// <param name="Password">Encrypted.</param>
/// <param name="AskedAt">When RabbitMQ was asked last.</param>
internal sealed record OperatorSession(string Key, string Name, IReadOnlyList<string> Tags, string Password, DateTimeOffset AskedAt);
