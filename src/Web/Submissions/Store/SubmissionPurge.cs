using System.Data.Common;
using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace WorkinIt.Web.Submissions;

/// <summary>Removes personal data from old submissions, once an hour.</summary>
internal sealed partial class SubmissionPurge(SubmissionStore store, IOptions<SubmissionOptions> options, TimeProvider time, ILogger<SubmissionPurge> log)
    : BackgroundService
{
    private const int AtOnce = 100; // new submissions wait while a batch is being written
    private const int PauseToWork = 4; // 80 % of the time is left for new submissions

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        var isInLog = false;
        do
        {
            try
            {
                int purged, all = 0;
                do
                {
                    var clock = Stopwatch.StartNew();
                    all += purged = await store.PurgeAsync(options.Value.KeepFor, AtOnce, stoppingToken);
                    isInLog |= purged > 0;
                    await Task.Delay(clock.Elapsed * PauseToWork, stoppingToken);
                }
                while (purged == AtOnce);
                if (all > 0)
                    LogPurged(log, all);
                isInLog = isInLog && !store.EmptyLog();
            }
            catch (DbException e)
            {
                LogFailed(log, e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Removed address and thought from {Count} old submissions")]
    private static partial void LogPurged(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Old submissions could not be purged: {Reason}. The next attempt is in an hour")]
    private static partial void LogFailed(ILogger log, string reason);
}
