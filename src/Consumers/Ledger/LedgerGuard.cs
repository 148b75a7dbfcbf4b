using System.Data.Common;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Deliveries;

namespace WorkinIt.Consumers.Ledger;

/// <summary>
/// Compares the ledger's mark with its copy on the broker, at startup and while the process runs. A ledger that lost records (an older backup that
/// was restored, a new ledger, one whose log was removed) may have no record of mails that were sent. Affected messages wait until an operator
/// accepts the ledger.
/// </summary>
internal sealed partial class LedgerGuard(DeliveryLedger ledger, ILedgerMarkCopy outside, TimeProvider time, ILogger<LedgerGuard> log) : BackgroundService
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _renewal = TimeSpan.FromSeconds(30); // how often the mark is written if nothing else is, in case the copy was lost
    private static readonly TimeSpan _clockTolerance = TimeSpan.FromSeconds(5); // for the clock of the machine that accepted a submission

    private readonly TaskCompletionSource _compared = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile LedgerMark? _last; // set while the ledger is complete
    private volatile Gap? _gap; // set while records are missing
    private volatile string? _problem;
    private bool _isWriting; // the ledger covers the copy; what is left is to write the mark
    private long _writes = -1;
    private long _renewedAt; // a timestamp from the time provider

    /// <summary>The problem that prevents sending mails or storing the mark; null if there is none.</summary>
    public string? Problem => _problem ?? (_last is null ? "The delivery ledger has not been compared with its mark on RabbitMQ yet" : null);

    private bool IsComplete => _last is not null;

    /// <summary>Whether this ledger's answer about a submission can be relied on, in particular that it was not sent.</summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="submittedAt">When it was accepted.</param>
    /// <param name="timeout">How long to wait for the first comparison.</param>
    public async Task<bool> KnowsAsync(Guid submissionId, DateTimeOffset submittedAt, TimeSpan timeout)
    {
        if (IsComplete)
            return true;
        await Task.WhenAny(_compared.Task, Task.Delay(timeout, time));
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
        _isWriting = false;
        var copied = await outside.ReadAsync(stopping); // read before the ledger's own mark: another process may raise both
        var known = copied ?? _gap?.Known;
        var own = ledger.FindMark();
        if (known is not null && own?.Covers(known) != true)
        {
            if (copied is null)
                await outside.WriteAsync(known, stopping); // lost while messages wait; --accept-ledger needs it
            Forgot(own, known);
            return;
        }
        _isWriting = true;
        var raised = await ledger.GrowMarkAsync(0, stopping);
        await outside.WriteAsync(raised, stopping);
        if (known is null && own is not null)
            LogCopyLost(log, Messaging.QueueTopology.LedgerQueue);
        else if (_gap is not null)
            LogAccepted(log);
        (_last, _gap, _problem, _writes, _renewedAt) = (raised, null, null, ledger.Writes, time.GetTimestamp());
        _compared.TrySetResult();
    }

    // The number grows in the ledger first and in the copy afterwards: a ledger that lost later writes has lost the higher number, too.
    private async Task RenewAsync(LedgerMark last, CancellationToken stopping)
    {
        var writes = ledger.Writes;
        if (writes == _writes && time.GetElapsedTime(_renewedAt) < _renewal)
            return;
        var raised = await ledger.GrowMarkAsync(0, stopping);
        if (!raised.Covers(last) || raised.Number == last.Number)
        {
            Forgot(raised, last);
            return;
        }
        await outside.WriteAsync(raised, stopping);
        (_last, _writes, _problem, _renewedAt) = (raised, writes, null, time.GetTimestamp());
    }

    private void Forgot(LedgerMark? own, LedgerMark known)
    {
        _last = null;
        if (_gap is null)
        {
            _gap = new Gap(time.GetUtcNow(), known);
            _problem = own is null || own.Ledger != known.Ledger
                ? "The delivery ledger is not the one that was used before"
                : "The delivery ledger is older than the one that was used before";
            _problem += ": it may have no record of mails that were sent, so submissions accepted until now are not mailed. Restore the right ledger (ConnectionStrings__Deliveries) and restart, or run Consumers --accept-ledger: then mails that it has no record of may be sent twice";
            LogForgot(log, _problem);
        }
        _compared.TrySetResult();
    }

    private void Report(Exception e)
    {
        var problem = $"The delivery ledger {(_isWriting ? "was compared with its mark, which can't be written to the ledger and to" : "can't be compared with its mark in")} {Messaging.QueueTopology.LedgerQueue} ({e.GetType().Name}): check RabbitMQ, that the topology was deployed, and the database";
        if (_gap is null && _problem != problem)
            LogNotCompared(log, problem);
        _problem = _gap is null ? problem : _problem;
    }

    // Submissions accepted after NoticedAt can't have been sent before. Known is what the ledger should cover.
    private sealed record Gap(DateTimeOffset NoticedAt, LedgerMark Known);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Problem}")]
    private static partial void LogForgot(ILogger log, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem}")]
    private static partial void LogNotCompared(ILogger log, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Queue} on RabbitMQ has no readable mark of the delivery ledger, although this ledger is not new: the queue was purged or deleted, or this is a different broker. Mails are sent, and the mark is written again. If an older ledger was restored, that was not detected")]
    private static partial void LogCopyLost(ILogger log, string queue);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The delivery ledger was accepted, or the right one was restored: waiting submissions are mailed")]
    private static partial void LogAccepted(ILogger log);
}
