using System.Net;
using System.Threading.RateLimiting;

namespace WorkinIt.SignIn;

/// <summary>
/// Limits sign-in attempts. One address has a few attempts a minute, whatever the user name. After many wrong passwords for one name, each
/// address has one attempt a minute for that name. This locks nobody out: the operator's own address keeps its attempt.
/// </summary>
internal sealed class SignInLimit : IDisposable
{
    private const int PerAddressPerMinute = 5;
    private const int WrongPerName = 10;
    private static readonly TimeSpan _wrongWindow = TimeSpan.FromMinutes(10);

    private readonly PartitionedRateLimiter<IPAddress?> _addresses =
        PartitionedRateLimiter.Create<IPAddress?, string>(from => PerMinute.Of(PerMinute.Network(from), PerAddressPerMinute));

    private readonly PartitionedRateLimiter<string> _wrong = PartitionedRateLimiter.Create<string, string>(name => RateLimitPartition.GetFixedWindowLimiter(
        Normal(name), _ => new FixedWindowRateLimiterOptions { PermitLimit = WrongPerName, Window = _wrongWindow }));

    private readonly PartitionedRateLimiter<Attempt> _oneOfEach =
        PartitionedRateLimiter.Create<Attempt, string>(attempt => PerMinute.Of($"{PerMinute.Network(attempt.From)} {Normal(attempt.Name)}", 1));

    /// <summary>Counts an attempt.</summary>
    /// <returns>How long to wait before the next attempt; null if this one is allowed.</returns>
    public TimeSpan? Try(IPAddress? from, string name) =>
        _addresses.Try(from) ?? (IsGuessed(name) ? _oneOfEach.Try(new Attempt(from, name)) : null);

    /// <summary>Counts a wrong password for a name.</summary>
    public void Wrong(string name) => _wrong.Try(name);

    public void Dispose()
    {
        _addresses.Dispose();
        _wrong.Dispose();
        _oneOfEach.Dispose();
    }

    // Acquiring zero permits only asks whether one is left; it counts nothing.
    private bool IsGuessed(string name)
    {
        using var lease = _wrong.AttemptAcquire(name, permitCount: 0);
        return !lease.IsAcquired;
    }

    private static string Normal(string name) => name.ToUpperInvariant();

    private sealed record Attempt(IPAddress? From, string Name);
}
