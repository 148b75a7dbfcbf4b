using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using WorkinIt.SignIn;

namespace WorkinIt.Web.Limits;

/// <summary>Limits the submissions of one client. Each Web instance counts separately.</summary>
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
    /// <returns>How long to wait before the next attempt; null if this submission is allowed.</returns>
    public TimeSpan? Try(IPAddress? from) => _limiter.Try(from);

    public void Dispose() => _limiter.Dispose();
}
