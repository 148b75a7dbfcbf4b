using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace WorkinIt.Web.Limits;

/// <summary>How many submissions one client may make, each Web instance by itself.</summary>
internal sealed class ClientLimit : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress?> _limiter;

    public ClientLimit(IOptions<LimitOptions> options)
    {
        var permits = options.Value.PerClientPerMinute;
        _limiter = PartitionedRateLimiter.Create<IPAddress?, string>(from =>
            permits == 0 ? RateLimitPartition.GetNoLimiter("") : PerMinute.Of(PerMinute.Network(from), permits));
    }

    /// <summary>Counts a submission.</summary>
    /// <returns>How long to wait before the next; null when this one may go on.</returns>
    public TimeSpan? Try(IPAddress? from) => _limiter.Try(from);

    public void Dispose() => _limiter.Dispose();
}
