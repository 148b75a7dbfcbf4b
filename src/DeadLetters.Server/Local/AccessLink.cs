using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>
/// The link that gives a browser access once. The person at the terminal sees it; another user of the machine can reach the port, but not read the
/// terminal.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class AccessLink(TimeProvider time)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMinutes(1); // so that a program that asks again and again does not fill the terminal

    private readonly Lock _turn = new();
    private string? _token;
    private DateTimeOffset? _shownAt;

    /// <summary>A token for the link, 32 random bytes as hexadecimal digits: the unused one, or a new one.</summary>
    public string Token
    {
        get
        {
            lock (_turn)
            {
                _shownAt = time.GetUtcNow();
                return _token ??= RandomNumberGenerator.GetHexString(64, lowercase: true);
            }
        }
    }

    /// <summary>Uses the token.</summary>
    /// <param name="token">What the browser sent.</param>
    /// <returns>Whether it is the one of the link, and nobody has used it before.</returns>
    public bool TryUse(string token)
    {
        lock (_turn)
        {
            if (_token is null || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(_token)))
                return false;
            _token = null;
            return true;
        }
    }

    /// <summary>Whether to show the link again, because a browser without access asked for a page: not if an unused one was shown in the last minute.</summary>
    public bool IsDue()
    {
        lock (_turn)
            return _token is null || _shownAt is not { } at || time.GetUtcNow() - at >= _pause;
    }
}
