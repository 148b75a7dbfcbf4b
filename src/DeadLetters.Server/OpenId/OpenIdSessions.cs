using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.AspNetCore.DataProtection;
using WorkinIt.SignIn;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>
/// The sessions of users who signed in with OpenID Connect, in the database that all instances share: what ends a session at one instance ends it at
/// all of them. The cookie holds the session's key. The tokens are encrypted with both that key and the key ring.
/// </summary>
internal sealed class OpenIdSessions(Database database, IDataProtectionProvider protection, TimeProvider time)
{
    private const string Purpose = "WorkinIt.DeadLetters.Server: tokens of a session";
    private const int Parts = 4;

    // Longer than it can take from here until the new tokens are written.
    private static readonly TimeSpan _reservation = OpenIdRenewal.Longest + TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _before = TimeSpan.FromMinutes(1);

    /// <summary>Starts a session, and removes expired ones.</summary>
    /// <param name="user">The user.</param>
    /// <param name="tokens">The user's tokens.</param>
    /// <param name="validUntil">Until when the issuer's answer holds.</param>
    /// <returns>The key of the session.</returns>
    public string Begin(OpenIdUser user, OpenIdTokens tokens, DateTimeOffset validUntil)
    {
        var key = RandomNumberGenerator.GetHexString(64);
        var now = time.GetUtcNow();
        Write("DELETE FROM operator_openid_sessions WHERE expires_at <= @now", new { now = now.ToUnixTimeMilliseconds() });
        Write(
            """
            INSERT INTO operator_openid_sessions (id, subject, issuer_session, name, may_operate, tokens, renew_at, valid_until, renewing_until, expires_at)
            VALUES (@id, @subject, @issuerSession, @name, @mayOperate, @tokens, @renewAt, @validUntil, 0, @expires)
            """,
            new
            {
                id = Id(key),
                subject = user.Subject,
                issuerSession = user.IssuerSession,
                name = user.Name,
                mayOperate = user.MayOperate ? 1L : 0L,
                tokens = Encrypt(key, tokens),
                renewAt = RenewAt(now, validUntil, tokens.Refresh is not null),
                validUntil = validUntil.ToUnixTimeMilliseconds(),
                expires = (now + OperatorSessions.Life).ToUnixTimeMilliseconds(),
            });
        return key;
    }

    /// <summary>The session with this key; null if it has ended.</summary>
    public OpenIdSession? Find(string key)
    {
        using var connection = database.Open();
        var row = connection.QueryFirstOrDefault<Row>(
            """
            SELECT subject AS Subject, name AS Name, may_operate AS MayOperate, tokens AS Tokens, renew_at AS RenewAt, valid_until AS ValidUntil
            FROM operator_openid_sessions WHERE id = @id AND expires_at > @now
            """,
            new { id = Id(key), now = time.GetUtcNow().ToUnixTimeMilliseconds() });
        return row is null ? null : new OpenIdSession(
            key, row.Subject, row.Name, row.MayOperate != 0, row.Tokens, DateTimeOffset.FromUnixTimeMilliseconds(row.RenewAt), DateTimeOffset.FromUnixTimeMilliseconds(row.ValidUntil));
    }

    /// <summary>The tokens of a session; null if the key ring can't decrypt them any more.</summary>
    public OpenIdTokens? TokensOf(OpenIdSession session)
    {
        try
        {
            return JsonSerializer.Deserialize<OpenIdTokens>(Protector(session.Key).Unprotect(session.Tokens));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Reserves the renewal of a session for one request: a refresh token may be usable once.</summary>
    /// <returns>Null if another request, perhaps at another instance, renews it or has renewed it since <paramref name="session"/> was read.</returns>
    public OpenIdReservation? Reserve(OpenIdSession session)
    {
        var now = time.GetUtcNow();
        var reservation = new OpenIdReservation(session, (now + _reservation).ToUnixTimeMilliseconds());
        return Write(
            "UPDATE operator_openid_sessions SET renewing_until = @until WHERE id = @id AND renew_at = @renewAt AND tokens = @tokens AND renewing_until <= @now",
            new { id = Id(session.Key), renewAt = session.RenewAt.ToUnixTimeMilliseconds(), tokens = session.Tokens, now = now.ToUnixTimeMilliseconds(), until = reservation.Until }) == 1 ? reservation : null;
    }

    /// <summary>Gives a reservation back: the issuer did not answer.</summary>
    public void Release(OpenIdReservation reservation) => WriteReserved(reservation, "renewing_until = 0");

    /// <summary>Writes the new tokens, and keeps the reservation. The earlier refresh token may be invalid from now on.</summary>
    /// <returns>False if the session has ended meanwhile, or the reservation has expired.</returns>
    public bool Keep(OpenIdReservation reservation, OpenIdTokens tokens) => WriteReserved(reservation, "tokens = @tokens", new { tokens = Encrypt(reservation.Session.Key, tokens) });

    /// <summary>Writes what the issuer said now, and gives the reservation back.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="mayOperate">Whether the user may act.</param>
    /// <param name="validUntil">Until when the answer holds.</param>
    /// <returns>False if the session has ended meanwhile, or the reservation has expired.</returns>
    public bool Renew(OpenIdReservation reservation, bool mayOperate, DateTimeOffset validUntil) => WriteReserved(
        reservation,
        "may_operate = @mayOperate, renew_at = @renewAt, valid_until = @validUntil, renewing_until = 0",
        new { mayOperate = mayOperate ? 1L : 0L, renewAt = RenewAt(time.GetUtcNow(), validUntil, isRenewable: true), validUntil = validUntil.ToUnixTimeMilliseconds() });

    /// <summary>Ends a session.</summary>
    public void End(string key) => Write("DELETE FROM operator_openid_sessions WHERE id = @id", new { id = Id(key) });

    /// <summary>Ends the sessions that the issuer names.</summary>
    /// <param name="subject">The user; null: any.</param>
    /// <param name="issuerSession">The session at the issuer; null: all of the user.</param>
    /// <returns>How many ended.</returns>
    public int EndAll(string? subject, string? issuerSession) => Write(
        (subject, issuerSession) switch
        {
            (null, null) => throw new ArgumentException("Neither a user nor a session is named.", nameof(subject)),
            (_, null) => "DELETE FROM operator_openid_sessions WHERE subject = @subject",
            (null, _) => "DELETE FROM operator_openid_sessions WHERE issuer_session = @issuerSession",
            _ => "DELETE FROM operator_openid_sessions WHERE subject = @subject AND issuer_session = @issuerSession",
        },
        new { subject, issuerSession });

    // Each reservation of a session ends later than the ones before it, so its end names it.
    private bool WriteReserved(OpenIdReservation reservation, string change, object? values = null)
    {
        var parameters = new DynamicParameters(values);
        parameters.AddDynamicParams(new { id = Id(reservation.Session.Key), until = reservation.Until });
        return Write($"UPDATE operator_openid_sessions SET {change} WHERE id = @id AND renewing_until = @until", parameters) == 1;
    }

    private int Write(string sql, object parameters)
    {
        using var connection = database.Open();
        return connection.Execute(sql, parameters);
    }

    // Before the end, so that other requests go on meanwhile, and an issuer that restarts disturbs nobody. Without a refresh token: never.
    private static long RenewAt(DateTimeOffset now, DateTimeOffset validUntil, bool isRenewable)
    {
        var quarter = (validUntil - now) / Parts;
        return (isRenewable ? validUntil - (quarter < _before ? quarter : _before) : validUntil).ToUnixTimeMilliseconds();
    }

    private string Encrypt(string key, OpenIdTokens tokens) => Protector(key).Protect(JsonSerializer.Serialize(tokens));

    private IDataProtector Protector(string key) => protection.CreateProtector(Purpose, key);

    // Only a hash of the key is stored, so a copy of the database does not contain usable session keys.
    private static string Id(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)));

    private sealed record Row(string Subject, string Name, long MayOperate, string Tokens, long RenewAt, long ValidUntil);
}

/// <summary>A session of a user who signed in with OpenID Connect.</summary>
/// <param name="Key">The key that the cookie holds.</param>
/// <param name="Subject">The user's id at the issuer.</param>
/// <param name="Name">The user's name when the session began. What the user started with it stays the user's until the session ends.</param>
/// <param name="MayOperate">Whether the user may act.</param>
/// <param name="Tokens">The encrypted tokens.</param>
/// <param name="RenewAt">When the issuer must be asked again, or the session ends.</param>
/// <param name="ValidUntil">When the issuer's last answer expires.</param>
internal sealed record OpenIdSession(string Key, string Subject, string Name, bool MayOperate, string Tokens, DateTimeOffset RenewAt, DateTimeOffset ValidUntil);

/// <summary>The right of one request to renew a session.</summary>
/// <param name="Session">The session, as it was when it was reserved.</param>
/// <param name="Until">When the reservation expires, in Unix milliseconds.</param>
internal sealed record OpenIdReservation(OpenIdSession Session, long Until);
