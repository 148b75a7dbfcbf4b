using System.Collections.Concurrent;

namespace WorkinIt.DeadLetters;

/// <summary>The latest report of each message of one operation. One report a message is kept, so memory grows with the operation and not with the reports.</summary>
/// <param name="operation">The operation's id.</param>
/// <param name="issued">How many replay ids the operation has given out: a report with a higher number is not about a message of it.</param>
/// <param name="leave">Ends the reception.</param>
internal sealed class ReplayReports(string operation, Func<long> issued, Func<ReplayReports, Task> leave) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<long, ReplayReport> _latest = new();
    private volatile bool _hasGap;
    private volatile string? _problem;
    private long _frozen = -1;
    private bool _isKept;

    public string Operation => operation;

    /// <summary>Why reports can't be received, and what to do about it; null if they can.</summary>
    public string? Problem
    {
        get => _problem;
        set => _problem = value;
    }

    /// <summary>Whether all reports since the beginning have been received, as far as is known. Otherwise nothing follows from the absence of reports.</summary>
    public bool IsComplete => _problem is null && !_hasGap;

    /// <summary>Waits until all reports that have arrived so far were read; false if that is not known.</summary>
    public Func<CancellationToken, Task<bool>> CatchUp { get; init; } = _ => Task.FromResult(true);

    /// <summary>Reports may have been lost.</summary>
    public void Interrupt() => _hasGap = true;

    /// <summary>Takes a report; ignores one that is not about this operation.</summary>
    public void See(ReplayReport report)
    {
        if (!ReportReader.TryParseId(report.ReplayId, out var of, out var number) || of != operation || number > Issued)
            return;
        _latest.AddOrUpdate(number, static (_, now) => now, static (_, before, now) => ReportReader.Replaces(now, before) ? now : before, report);
    }

    /// <summary>The latest report about a message; null if none came.</summary>
    /// <param name="number">The message's number in the operation.</param>
    public ReplayReport? Find(long number) => _latest.GetValueOrDefault(number);

    /// <summary>The operation has ended, and the reception goes on until somebody calls <see cref="EndAsync"/>.</summary>
    public ReplayReports Keep()
    {
        Volatile.Write(ref _frozen, issued());
        _isKept = true;
        return this;
    }

    /// <summary>Ends the reception.</summary>
    public Task EndAsync() => leave(this);

    public async ValueTask DisposeAsync()
    {
        if (!_isKept)
            await EndAsync();
    }

    private long Issued => Volatile.Read(ref _frozen) is >= 0 and var frozen ? frozen : issued();
}
