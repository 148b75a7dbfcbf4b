using System.Data.Common;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Deliveries;

namespace WorkinIt.Consumers.Ledger;

/// <summary>
/// Compares the ledger's mark with its copy on the broker, at the start and while it runs. A ledger that knows less than it once did (an older one that was
/// restored, a new one, one whose log was removed) may have forgotten mails that were sent: those wait until an operator accepts it.
/// </summary>
internal sealed partial class LedgerGuard(DeliveryLedger ledger, ILedgerMarkCopy outside, TimeProvider time, ILogger<LedgerGuard> log) : BackgroundService
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _clockTolerance = TimeSpan.FromSeconds(5); // of the machine that accepted a submission

    private readonly TaskCompletionSource _compared = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile LedgerMark? _last; // set while the ledger knows all that it knew
    private volatile Gap? _gap; // set while it does not
    private volatile string? _problem;
    private long _writes = -1;

    /// <summary>What keeps mails from being sent, or the mark from being kept; null: nothing does.</summary>
    public string? Problem => _problem ?? (_last is null ? "The delivery ledger was not compared with its mark on RabbitMQ yet" : null);

    private bool IsComplete => _last is not null;

    /// <summary>Whether this ledger can say of a submission that it was not sent.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="submittedAt">When it was accepted.</param>
    /// <param name="patience">How long to wait for the first comparison.</param>
    public async Task<bool> KnowsAsync(Guid submissionId, DateTimeOffset submittedAt, TimeSpan patience)
    {
        if (IsComplete)
            return true;
        await Task.WhenAny(_compared.Task, Task.Delay(patience, time));
        return IsComplete || submittedAt > _gap?.NoticedAt + _clockTolerance
            || ledger.Find(submissionId) is { State: DeliveryState.Sent or DeliveryState.Unknown };
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_pause, time);
        do
        {
            try
            {
                await (_last is { } last ? RenewAsync(last, stoppingToken) : CompareAsync(stoppingToken));
            }
            catch (Exception e) when (e is DbException or RabbitMQClientException or IOException or TimeoutException || (e is OperationCanceledException && !stoppingToken.IsCancellationRequested))
            {
                Report(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task CompareAsync(CancellationToken stopping)
    {
        var known = await outside.ReadAsync(stopping); // before the ledger's own: another process may raise both
        var own = ledger.FindMark();
        if (known is not null && own?.Covers(known) != true)
        {
            Forgot(own, known);
            return;
        }
        var raised = await ledger.GrowMarkAsync(0, stopping);
        await outside.WriteAsync(raised, stopping);
        if (_gap is not null)
            LogAccepted(log);
        (_last, _gap, _problem, _writes) = (raised, null, null, ledger.Writes);
        _compared.TrySetResult();
    }

    // Its number grows in the ledger first and then outside, so that whatever is written after that is missed together with it.
    private async Task RenewAsync(LedgerMark last, CancellationToken stopping)
    {
        var writes = ledger.Writes;
        if (writes == _writes)
            return;
        var raised = await ledger.GrowMarkAsync(0, stopping);
        if (!raised.Covers(last) || raised.Number == last.Number)
        {
            Forgot(raised, last);
            return;
        }
        await outside.WriteAsync(raised, stopping);
        (_last, _writes, _problem) = (raised, writes, null);
    }

    private void Forgot(LedgerMark? own, LedgerMark known)
    {
        _last = null;
        if (_gap is null)
        {
            _gap = new Gap(time.GetUtcNow());
            _problem = own is null || own.Ledger != known.Ledger
                ? "The delivery ledger is not the one that was used before"
                : "The delivery ledger is older than the one that was used before";
            _problem += ": it may have forgotten mails that were sent, so what was submitted until now is not mailed. Restore the right one (ConnectionStrings__Deliveries) and restart, or run Consumers --accept-ledger: then mails that it has forgotten may be sent twice";
            LogForgot(log, _problem);
        }
        _compared.TrySetResult();
    }

    private void Report(Exception e)
    {
        var problem = $"The delivery ledger can't be compared with its mark in {Messaging.QueueTopology.LedgerQueue} ({e.GetType().Name}): check RabbitMQ, that the topology was deployed, and the database";
        if (_gap is null && _problem != problem)
            LogNotCompared(log, problem);
        _problem = _gap is null ? problem : _problem;
    }

    // What was submitted after it can't have been sent before.
    private sealed record Gap(DateTimeOffset NoticedAt);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Problem}")]
    private static partial void LogForgot(ILogger log, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem}")]
    private static partial void LogNotCompared(ILogger log, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The delivery ledger was accepted, or the right one was restored: what waited is mailed")]
    private static partial void LogAccepted(ILogger log);
}
