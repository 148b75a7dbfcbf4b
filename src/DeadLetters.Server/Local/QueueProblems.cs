using Microsoft.Extensions.Hosting;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>Shows in the terminal, once each, why the catalogue can't get the dead letters of a queue: usually a missing permission. The board shows it too.</summary>
/// <param name="catalogue">The catalogue.</param>
/// <param name="write">Writes a line.</param>
/// <param name="time">The clock.</param>
internal sealed class QueueProblems(CatalogueDatabase catalogue, Action<string> write, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    private readonly HashSet<(string Queue, string Problem)> _shown = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                foreach (var queue in await catalogue.ReadAsync((reader, cancellationToken) => reader.QueuesAsync(cancellationToken), stoppingToken))
                {
                    if (!queue.IsMissing && queue.Problem.Length > 0 && _shown.Add((queue.Name, queue.Problem)))
                        write($"{queue.Name}: {queue.Problem.TrimEnd('.')}. Until this is corrected, the board may not show all its dead letters.");
                }
            }
            catch (CatalogueException)
            {
                // The database's problem is logged. The next round reads again.
            }
        }
    }
}
