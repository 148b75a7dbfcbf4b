using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace WorkinIt.Web.SignIn;

/// <summary>How often a password may be tried: from one address against guessing, of one name against guessing from many addresses.</summary>
internal sealed class SignInLimit : IDisposable
{
    private const int AMinuteOfAnAddress = 5;
    private const int AMinuteOfAName = 10;

    private readonly PartitionedRateLimiter<Attempt> _limiter = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<Attempt, string>(attempt => AMinute(Network(attempt.From), AMinuteOfAnAddress)),
        PartitionedRateLimiter.Create<Attempt, string>(attempt => AMinute(attempt.Name.ToUpperInvariant(), AMinuteOfAName)));

    /// <summary>Counts an attempt.</summary>
    /// <returns>How long to wait before the next; null when this one may go on.</returns>
    public TimeSpan? Try(IPAddress? from, string name)
    {
        using var lease = _limiter.AttemptAcquire(new Attempt(from, name));
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromMinutes(1);
    }

    public void Dispose() => _limiter.Dispose();

    private static RateLimitPartition<string> AMinute(string key, int permits) =>
        RateLimitPartition.GetFixedWindowLimiter(key, _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = TimeSpan.FromMinutes(1) });

    // Whoever has one address of IPv6 has 2^64 of them.
    private static string Network(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };

    private sealed record Attempt(IPAddress? From, string Name);
}
