using System.Data.Common;
using Microsoft.Extensions.Options;

namespace WorkinIt.Web.Submissions;

/// <summary>Takes personal data out of old submissions, once an hour.</summary>
internal sealed partial class SubmissionPurge(SubmissionStore store, IOptions<SubmissionOptions> options, TimeProvider time, ILogger<SubmissionPurge> log)
    : BackgroundService
{
    private const int AtOnce = 1_000; // a larger change would hold up those that accept submissions

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        do
        {
            try
            {
                int purged, all = 0;
                do
                    all += purged = await store.PurgeAsync(options.Value.KeepFor, AtOnce, stoppingToken);
                while (purged == AtOnce);
                if (all > 0)
                    LogPurged(log, all);
            }
            catch (DbException e)
            {
                LogFailed(log, e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Took address and thought out of {Count} old submissions")]
    private static partial void LogPurged(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Old submissions could not be purged: {Reason}. Tried again in an hour")]
    private static partial void LogFailed(ILogger log, string reason);
}
