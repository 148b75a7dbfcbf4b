using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Tokens;

/// <summary>The tokens of the API, in the catalogue's database: a token that is revoked on one instance gives no access on any from then on.</summary>
internal sealed class TokenStore(Database database, GroupCommit commits, TimeProvider time)
{
    /// <summary>The longest name.</summary>
    public const int LongestName = 64;

    private const int LongestUser = 255;
    private const string Columns = "id, name, scope, made_by, made_at, expires_at, revoked_at, revoked_by, used_at";
    private static readonly TimeSpan _usedEvery = TimeSpan.FromMinutes(1); // a write for each request would cost more than the request

    /// <summary>Makes a token.</summary>
    /// <param name="name">The program that uses it.</param>
    /// <param name="scope">What it may do.</param>
    /// <param name="by">The operator.</param>
    /// <param name="expiresAt">When it expires; null: never.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The token as it is kept, and the token itself, which can't be shown again.</returns>
    /// <exception cref="DbException">It was not made.</exception>
    public async Task<(ApiToken Token, string Secret)> MakeAsync(string name, TokenScope scope, string by, DateTimeOffset? expiresAt, CancellationToken cancellationToken)
    {
        var secret = TokenSecret.Create();
        var token = new ApiToken
        {
            Id = "t_" + RandomNumberGenerator.GetHexString(8, lowercase: true),
            Name = name,
            Scope = scope,
            MadeBy = by.Length > LongestUser ? by[..LongestUser] : by,
            MadeAt = time.GetUtcNow(),
            ExpiresAt = expiresAt,
        };
        await commits.WriteAsync(
            statements => statements.Execute(
                "INSERT INTO catalogue_api_tokens (id, hash, name, scope, made_by, made_at, expires_at) VALUES (@id, @hash, @name, @scope, @by, @at, @expires)",
                ("id", token.Id), ("hash", TokenSecret.HashOf(secret)), ("name", name), ("scope", scope.ToString()), ("by", token.MadeBy), ("at", token.MadeAt.ToUnixTimeMilliseconds()),
                ("expires", expiresAt?.ToUnixTimeMilliseconds())),
            cancellationToken);
        return (token, secret);
    }

    /// <summary>Revokes a token.</summary>
    /// <returns>False if there is no such token, or it was revoked before.</returns>
    /// <exception cref="DbException">It was not revoked.</exception>
    public Task<bool> RevokeAsync(string id, string by, CancellationToken cancellationToken) => commits.WriteAsync(
        statements => statements.Execute(
            "UPDATE catalogue_api_tokens SET revoked_at = @now, revoked_by = @by WHERE id = @id AND revoked_at IS NULL",
            ("now", Now()), ("by", by.Length > LongestUser ? by[..LongestUser] : by), ("id", id)) > 0,
        cancellationToken);

    /// <summary>All tokens, the newest first.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public IReadOnlyList<ApiToken> List() => database.Read(statements =>
    {
        using var command = statements.Command();
        command.CommandText = $"SELECT {Columns} FROM catalogue_api_tokens ORDER BY made_at DESC, id";
        using var rows = command.ExecuteReader();
        var all = new List<ApiToken>();
        while (rows.Read())
            all.Add(Read(rows));
        return all;
    });

    /// <summary>Finds what a program has sent; null if it is not a token, or one that was never made here.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public ApiToken? Find(string secret) => TokenSecret.HashOf(secret) is { } hash
        ? database.Read(statements => statements.Row($"SELECT {Columns} FROM catalogue_api_tokens WHERE hash = @hash", Read, ("hash", hash)))
        : null;

    /// <summary>Finds a token by its id; null if there is none.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public ApiToken? FindById(string id) => database.Read(statements => statements.Row($"SELECT {Columns} FROM catalogue_api_tokens WHERE id = @id", Read, ("id", id)));

    /// <summary>Records that a token was used.</summary>
    /// <exception cref="DbException">It was not recorded.</exception>
    public async Task UsedAsync(ApiToken token, CancellationToken cancellationToken)
    {
        if (token.UsedAt is { } before && time.GetUtcNow() - before < _usedEvery)
            return;
        await commits.WriteAsync(statements => statements.Execute("UPDATE catalogue_api_tokens SET used_at = @now WHERE id = @id", ("now", Now()), ("id", token.Id)), cancellationToken);
    }

    private static ApiToken Read(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        Name = row.GetString(1),
        Scope = Enum.Parse<TokenScope>(row.GetString(2)),
        MadeBy = row.GetString(3),
        MadeAt = At(row, 4)!.Value,
        ExpiresAt = At(row, 5),
        RevokedAt = At(row, 6),
        RevokedBy = row.IsDBNull(7) ? null : row.GetString(7),
        UsedAt = At(row, 8),
    };

    private static DateTimeOffset? At(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(Convert.ToInt64(row.GetValue(column), CultureInfo.InvariantCulture));

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
