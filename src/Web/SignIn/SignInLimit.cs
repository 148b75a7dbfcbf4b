using System.Net;
using System.Threading.RateLimiting;
using WorkinIt.Web.Limits;

namespace WorkinIt.Web.SignIn;

/// <summary>
/// How often a password may be tried. One address may try a few times a minute, whatever the name. Guessing one name from many addresses is
/// slowed down to one try of each address; it keeps nobody out, for the operator's own address has its try too.
/// </summary>
internal sealed class SignInLimit : IDisposable
{
    private const int AMinuteOfAnAddress = 5;
    private const int WrongOfAName = 10;
    private static readonly TimeSpan _wrongIsRemembered = TimeSpan.FromMinutes(10);

    private readonly PartitionedRateLimiter<IPAddress?> _addresses =
        PartitionedRateLimiter.Create<IPAddress?, string>(from => PerMinute.Of(PerMinute.Network(from), AMinuteOfAnAddress));

    private readonly PartitionedRateLimiter<string> _wrong = PartitionedRateLimiter.Create<string, string>(name => RateLimitPartition.GetFixedWindowLimiter(
        Normal(name), _ => new FixedWindowRateLimiterOptions { PermitLimit = WrongOfAName, Window = _wrongIsRemembered }));

    private readonly PartitionedRateLimiter<Attempt> _oneOfEach =
        PartitionedRateLimiter.Create<Attempt, string>(attempt => PerMinute.Of($"{PerMinute.Network(attempt.From)} {Normal(attempt.Name)}", 1));

    /// <summary>Counts an attempt.</summary>
    /// <returns>How long to wait before the next; null when this one may go on.</returns>
    public TimeSpan? Try(IPAddress? from, string name) =>
        _addresses.Try(from) ?? (IsGuessed(name) ? _oneOfEach.Try(new Attempt(from, name)) : null);

    /// <summary>The password was wrong.</summary>
    public void Wrong(string name) => _wrong.Try(name);

    public void Dispose()
    {
        _addresses.Dispose();
        _wrong.Dispose();
        _oneOfEach.Dispose();
    }

    // Of no permit at all the limiter says whether one is left, and counts nothing.
    private bool IsGuessed(string name)
    {
        using var lease = _wrong.AttemptAcquire(name, permitCount: 0);
        return !lease.IsAcquired;
    }

    private static string Normal(string name) => name.ToUpperInvariant();

    private sealed record Attempt(IPAddress? From, string Name);
}
