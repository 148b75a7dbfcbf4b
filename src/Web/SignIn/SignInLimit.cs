using System.Net;
using System.Threading.RateLimiting;
using WorkinIt.Web.Limits;

namespace WorkinIt.Web.SignIn;

/// <summary>How often a password may be tried: from one address against guessing, of one name against guessing from many addresses.</summary>
internal sealed class SignInLimit : IDisposable
{
    private const int AMinuteOfAnAddress = 5;
    private const int AMinuteOfAName = 10;

    private readonly PartitionedRateLimiter<Attempt> _limiter = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<Attempt, string>(attempt => PerMinute.Of(PerMinute.Network(attempt.From), AMinuteOfAnAddress)),
        PartitionedRateLimiter.Create<Attempt, string>(attempt => PerMinute.Of(attempt.Name.ToUpperInvariant(), AMinuteOfAName)));

    /// <summary>Counts an attempt.</summary>
    /// <returns>How long to wait before the next; null when this one may go on.</returns>
    public TimeSpan? Try(IPAddress? from, string name) => _limiter.Try(new Attempt(from, name));

    public void Dispose() => _limiter.Dispose();

    private sealed record Attempt(IPAddress? From, string Name);
}
