using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>What the watch looks at.</summary>
/// <param name="Board">The letters that are there.</param>
/// <param name="Queues">All queues.</param>
internal sealed record CatalogueLook(Board Board, IReadOnlyList<CatalogueQueue> Queues);

/// <summary>
/// Looks at the catalogue every 5 seconds: records when each cause was seen first and when it came back, and writes the notifications. Each host does;
/// on one database they write each notification once.
/// </summary>
internal sealed partial class CauseWatch(
    OpenCatalogue catalogue, Func<OpenCatalogue, CancellationToken, Task<CatalogueLook>> look, NotificationStore store, NotificationSender sender, TimeProvider time,
    ILogger<CauseWatch> log, Func<bool>? hasLooked = null) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pruneInterval = TimeSpan.FromHours(1);

    /// <summary>How long to wait for each broker's first comparison, and for the first dead-letter queue, before the catalogue counts as read.</summary>
    private static readonly TimeSpan _discovery = TimeSpan.FromSeconds(30);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private DateTimeOffset _prunedAt;
    private bool _isFailing;

    /// <summary>Looks once.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        var (board, queues) = await look(catalogue, cancellationToken);
        if (await store.LookAsync(board, IsSettled(queues), cancellationToken) > 0)
            sender.Wake();
        if (time.GetUtcNow() - _prunedAt < _pruneInterval)
            return;
        _prunedAt = time.GetUtcNow();
        await store.PruneAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await catalogue.OpenedAsync(stoppingToken);
        using var timer = new PeriodicTimer(_interval, time);
        do
        {
            try
            {
                await LookAsync(stoppingToken);
                _isFailing = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // whatever fails, the database or the catalogue, the next look may succeed, and an operator needs the messages then
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (!_isFailing) // once for each outage
                    LogFailed(e);
                _isFailing = true;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    // Otherwise the first walk through the queues would announce causes that are old.
    private bool IsSettled(IReadOnlyList<CatalogueQueue> queues) =>
        (time.GetUtcNow() - _startedAt >= _discovery || (queues.Count > 0 && hasLooked?.Invoke() != false))
        && queues.All(queue => queue.WalkedAt is not null || queue.Problem.Length > 0 || queue.Messages == 0);

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalogue of dead letters can't be watched: no notifications until that succeeds")]
    private partial void LogFailed(Exception e);
}
