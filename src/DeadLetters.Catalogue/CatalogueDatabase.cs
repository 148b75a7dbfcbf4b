using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>The catalogue can't be read.</summary>
/// <param name="message">Why, for an operator.</param>
/// <param name="inner">The database's error.</param>
internal sealed class CatalogueException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The catalogue's database: migrates it at start, again and again until that succeeds, and guards each read: a read that fails or takes too long ends
/// with a <see cref="CatalogueException"/>, and the reads of the next seconds fail at once, so that no page waits for a database that is away.
/// </summary>
internal sealed partial class CatalogueDatabase(CatalogueOptions options, CatalogueReader reader, TimeProvider time, ILogger<CatalogueDatabase> log) : BackgroundService
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestStart = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _longestRead = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Failure? _failure;

    /// <summary>Completes when the tables exist.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Reads from the catalogue.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="read">The read.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="CatalogueException">It can't be read; the message says why.</exception>
    public async Task<T> ReadAsync<T>(Func<CatalogueReader, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        if (_failure is { } failure && time.GetUtcNow() - failure.At < _pause)
            throw new CatalogueException(failure.Why);
        try
        {
            await Ready.WaitAsync(_longestStart, time, cancellationToken);
            // On a thread of its own: the drivers of the databases block, and a wait must end also then.
            var result = await Task.Run(() => read(reader, cancellationToken), cancellationToken).WaitAsync(_longestRead, time, cancellationToken);
            _failure = null;
            return result;
        }
        catch (TimeoutException e)
        {
            throw Fail(_ready.Task.IsCompleted ? "it did not answer in time" : "its database is not ready", e);
        }
        catch (DbException e)
        {
            throw Fail(e.Message, e);
        }
    }

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031", Justification = "The pages work without the catalogue: whatever prevents the migration is shown there, logged, and tried again")]
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Run(() => DatabaseSchema.Migrate(options.Database, typeof(CatalogueDatabase).Assembly), stoppingToken);
                _failure = null;
                _ready.TrySetResult();
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Fail(e.Message, e);
                LogNotReady(e);
            }
            await Task.Delay(_pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private CatalogueException Fail(string why, Exception e)
    {
        _failure = new Failure(why, time.GetUtcNow());
        return new CatalogueException(why, e);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The database of the catalogue of dead letters can't be used. The pages read the queues instead; the next try is in 5 s")]
    private partial void LogNotReady(Exception e);

    private sealed record Failure(string Why, DateTimeOffset At);
}
