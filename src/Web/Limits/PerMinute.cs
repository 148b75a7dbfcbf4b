using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace WorkinIt.Web.Limits;

/// <summary>What limits per minute have in common.</summary>
internal static class PerMinute
{
    private const int SecondsPerMinute = 60;

    /// <summary>
    /// A partition that lets so many through at once, and after that as many in each minute, one by one. With a window of a minute the only wait
    /// that the limiter knows is all of the window.
    /// </summary>
    /// <param name="key">The partition.</param>
    /// <param name="permits">1 or more; above 60 a minute they come back by the second, rounded up.</param>
    public static RateLimitPartition<string> Of(string key, int permits) =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = permits,
            TokensPerPeriod = Math.Max(1, (permits + SecondsPerMinute - 1) / SecondsPerMinute),
            ReplenishmentPeriod = TimeSpan.FromSeconds(Math.Max(1, (double)SecondsPerMinute / permits)),
        });

    /// <summary>Who counts as one client. Whoever has one address of IPv6 has 2^64 of them.</summary>
    public static string Network(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };

    /// <summary>Counts one.</summary>
    /// <returns>How long to wait before the next; null when this one may go on.</returns>
    public static TimeSpan? Try<T>(this PartitionedRateLimiter<T> limiter, T resource)
    {
        using var lease = limiter.AttemptAcquire(resource);
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromMinutes(1);
    }
}
