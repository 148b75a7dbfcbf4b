using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters.Server.OpenId;
using WorkinIt.SignIn;
using WorkinIt.Storage;

namespace WorkinIt.Tests.OpenId;

/// <summary>One request at a time renews a session, also if it takes long.</summary>
public sealed class OpenIdSessionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("openid-sessions-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly OpenIdSessions _sessions;

    public OpenIdSessionsTests()
    {
        var database = Database.Parse($"Data Source={Path.Combine(_folder, "sessions.db")}");
        OperatorSignIn.MigrateSessions(database);
        _sessions = new OpenIdSessions(database, new EphemeralDataProtectionProvider(), _time);
    }

    [Fact]
    public void Request_whose_reservation_expired_does_not_end_that_of_another_and_writes_nothing()
    {
        var session = Begin();
        var late = _sessions.Reserve(session).ShouldNotBeNull();
        _time.Advance(OpenIdRenewal.Longest);
        _sessions.Reserve(session).ShouldBeNull();
        _time.Advance(OpenIdRenewal.Longest);
        var now = _sessions.Reserve(session).ShouldNotBeNull();

        _sessions.Release(late);
        _sessions.Keep(late, new OpenIdTokens("id", "late")).ShouldBeFalse();
        _sessions.Renew(late, mayOperate: true, _time.GetUtcNow().AddHours(1)).ShouldBeFalse();

        _sessions.Reserve(session).ShouldBeNull();
        var after = _sessions.Find(session.Key).ShouldNotBeNull();
        after.ShouldBe(session);
        _sessions.Release(now);
        _sessions.Reserve(session).ShouldNotBeNull();
    }

    [Fact]
    public void Request_that_read_the_session_before_its_tokens_changed_does_not_use_them()
    {
        var session = Begin();
        _sessions.Keep(_sessions.Reserve(session).ShouldNotBeNull(), new OpenIdTokens("id", "second")).ShouldBeTrue();
        _time.Advance(OpenIdRenewal.Longest * 2); // the process that renewed it was killed

        _sessions.Reserve(session).ShouldBeNull();

        var after = _sessions.Find(session.Key).ShouldNotBeNull();
        _sessions.TokensOf(after).ShouldBe(new OpenIdTokens("id", "second"));
        _sessions.Reserve(after).ShouldNotBeNull();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private OpenIdSession Begin() => _sessions.Find(_sessions.Begin(
        new OpenIdUser("1", "erin", "", MayView: true, MayOperate: false), new OpenIdTokens("id", "first"), _time.GetUtcNow().AddHours(1))).ShouldNotBeNull();
}
