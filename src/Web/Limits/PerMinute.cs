using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace WorkinIt.Web.Limits;

/// <summary>What limits per minute have in common.</summary>
internal static class PerMinute
{
    /// <summary>A partition that lets so many through in a minute.</summary>
    public static RateLimitPartition<string> Of(string key, int permits) =>
        RateLimitPartition.GetFixedWindowLimiter(key, _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = TimeSpan.FromMinutes(1) });

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
