using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace WorkinIt.SignIn;

/// <summary>Helpers for limits per minute.</summary>
internal static class PerMinute
{
    private const int SecondsPerMinute = 60;

    /// <summary>
    /// A token bucket: allows <paramref name="permits"/> at once, then the same number per minute, one at a time. A fixed window of a minute
    /// would report the complete window as the time to wait.
    /// </summary>
    /// <param name="key">The key of the partition.</param>
    /// <param name="permits">1 or more. Above 60, tokens are added every second, and their number is rounded up.</param>
    public static RateLimitPartition<string> Of(string key, int permits) =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = permits,
            TokensPerPeriod = Math.Max(1, (permits + SecondsPerMinute - 1) / SecondsPerMinute),
            ReplenishmentPeriod = TimeSpan.FromSeconds(Math.Max(1, (double)SecondsPerMinute / permits)),
        });

    /// <summary>The network that counts as one client. For IPv6 it is the /64, because one client usually has all 2^64 addresses of it.</summary>
    public static string Network(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };

    /// <summary>Counts one attempt.</summary>
    /// <returns>How long to wait before the next attempt; null if this one is allowed.</returns>
    public static TimeSpan? Try<T>(this PartitionedRateLimiter<T> limiter, T resource)
    {
        using var lease = limiter.AttemptAcquire(resource);
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromMinutes(1);
    }
}
