using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>
/// Logs after the start what the pages lack on each broker, one line each with the remedy. It looks again as long as something is missing, and logs only
/// what is new. It stops neither the host nor its start.
/// </summary>
internal sealed partial class SetupReport(
    Func<DeadLetterSources> sources, Func<bool> hasCatalogue, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<SetupReport> log) : BackgroundService
{
    private static readonly TimeSpan _first = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(15); // each look leaves refusals in the broker's log

    /// <summary>Looks until nothing is missing on any broker.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var started = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stoppingToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, started.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stoppingToken.IsCancellationRequested)
            await Task.WhenAll(sources().Select(source => ReportAsync(source, stoppingToken)));
    }

    private async Task ReportAsync(DeadLetterSource source, CancellationToken cancellationToken)
    {
        var (reported, pause) = ((IReadOnlyList<string>)[], _first);
        while (!cancellationToken.IsCancellationRequested)
        {
            if (await FindAsync(source, cancellationToken) is not { } missing)
                return;
            foreach (var problem in missing.Except(reported))
                LogMissing(source.IsOnly ? problem : $"{source.Name}: {problem}");
            if (missing.Count == 0)
            {
                if (reported.Count > 0)
                    LogComplete(source.Name);
                return;
            }
            pause = missing.ToHashSet().SetEquals(reported) ? TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, _longest.Ticks)) : _first;
            reported = missing;
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Null: the host stops.
    private async Task<IReadOnlyList<string>?> FindAsync(DeadLetterSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await source.Client.FindMissingAsync(hasCatalogue(), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException) // a check must not stop the host
        {
            return [$"What is missing can’t be checked: {e.Message}"];
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The dead-letter pages lack something: {Problem}")]
    private partial void LogMissing(string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "The dead-letter pages lack nothing more on {Source}")]
    private partial void LogComplete(string source);
}
