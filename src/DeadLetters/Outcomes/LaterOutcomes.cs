using System.Diagnostics;

namespace WorkinIt.DeadLetters;

/// <summary>The outcomes of a replay after its end, as far as the application reports them. Kept in memory, until it is disposed of.</summary>
public sealed class LaterOutcomes : IAsyncDisposable
{
    private readonly FollowedMessages _messages;
    private readonly ReplayReports _reports;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _since = TimeSpan.FromDays(365); // later than each time of the replay

    internal LaterOutcomes(FollowedMessages messages, ReplayReports reports)
    {
        (_messages, _reports) = (messages, reports.Keep());
        messages.EndWatch();
    }

    /// <summary>The replayed messages, each with its outcome now.</summary>
    public IReadOnlyList<Replayed> Replayed
    {
        get
        {
            _messages.Refresh(_since + _clock.Elapsed);
            return _messages.Replayed;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _reports.EndAsync();
}
