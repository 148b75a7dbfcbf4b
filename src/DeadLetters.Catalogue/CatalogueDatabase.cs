using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Feed;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>The catalogue can't be read.</summary>
/// <param name="message">Why, for an operator.</param>
/// <param name="inner">The database's error.</param>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "The pages handle it")]
internal sealed class CatalogueException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The catalogue's database: opens it at start, again and again until that succeeds, runs the feed of each source, which fill it, and guards each read: a read that fails or takes too long ends
/// with a <see cref="CatalogueException"/>, and the reads of the next seconds fail at once, so that no page waits for a database that is away.
/// </summary>
internal sealed partial class CatalogueDatabase(
    DeadLetterSources sources, CatalogueOptions options, TimeProvider time, ILogger<CatalogueDatabase> log, ILoggerFactory logs) : BackgroundService, IAsyncDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestStart = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _longestRead = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource<CatalogueStore> _store = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Failure? _failure;
    private volatile List<(DeadLetterSource Source, DeadLetterFeed Feed)> _feeds = [];

    /// <summary>The readers and writers. They fail until the tables exist.</summary>
    public CatalogueStore Parts { get; } = new(options, time);

    /// <summary>The readers and writers, as soon as the tables exist.</summary>
    public Task<CatalogueStore> Store => _store.Task;

    /// <summary>The sources for which the catalogue may not be up to date, and why; none, as far as this host knows.</summary>
    public IReadOnlyList<SourceDelay> Delays =>
        [.. _feeds.Where(one => one.Feed.Delay is not null).Select(one => new SourceDelay(one.Source.Name, one.Source.IsOnly ? one.Feed.Delay! : $"{one.Source.Name}: {one.Feed.Delay}"))];

    /// <summary>Whether each source was compared with its broker, or it is known why not.</summary>
    public bool HasLooked => !options.IsFed || (_feeds.Count > 0 && _feeds.All(one => one.Feed.HasLooked));

    /// <summary>Why outcomes are not kept after the end of an operation, and what to do about it; null if they are, as far as this host knows.</summary>
    /// <param name="source">The source.</param>
    public string? ReportsProblemOf(string source) => _feeds.FirstOrDefault(one => one.Source.Name == source).Feed?.ReportsProblem;

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
            var store = await Store.WaitAsync(_longestStart, time, cancellationToken);
            // On a thread of its own: the drivers of the databases block, and a wait must end also then.
            var result = await Task.Run(() => read(store.Reader, cancellationToken), cancellationToken).WaitAsync(_longestRead, time, cancellationToken);
            _failure = null;
            return result;
        }
        catch (TimeoutException e)
        {
            throw Fail(Store.IsCompleted ? $"The database of the catalogue did not answer within {_longestRead.TotalSeconds} s" : "The database of the catalogue is not ready yet", e);
        }
        catch (DbException e)
        {
            throw Fail(CatalogueStore.Explain(options.Database, e), e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        await Parts.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested && !await TryOpenAsync(stoppingToken))
            await Task.Delay(_pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stoppingToken.IsCancellationRequested || !options.IsFed)
            return;
        var store = await Store;
        var feeds = sources.Select(source => (source, Feed: new DeadLetterFeed(source.Client, options, store, time, logs.CreateLogger<DeadLetterFeed>()))).ToList();
        foreach (var (_, feed) in feeds)
            await feed.StartAsync(stoppingToken);
        _feeds = feeds;
        await Task.Delay(Timeout.InfiniteTimeSpan, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(feeds.Select(one => one.Feed.StopAsync(CancellationToken.None)));
        foreach (var (_, feed) in feeds)
            feed.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "The pages work without the catalogue: whatever prevents its start is shown there, logged, and tried again")]
    private async Task<bool> TryOpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Run(Parts.Migrate, cancellationToken);
            _store.SetResult(Parts);
            _failure = null;
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e)
        {
            var before = _failure?.Why;
            if (Fail(e.Message, e).Message != before) // the tries are 5 s apart
                LogNotReady(e);
            return false;
        }
    }

    private CatalogueException Fail(string why, Exception e)
    {
        _failure = new Failure(why.TrimEnd('.'), time.GetUtcNow());
        return new CatalogueException(_failure.Why, e);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalogue of dead letters can't be used. The pages read the queues instead; it is tried again every 5 s. Check that the process may write to its database")]
    private partial void LogNotReady(Exception e);

    private sealed record Failure(string Why, DateTimeOffset At);
}

/// <summary>A source for which the catalogue may not be up to date.</summary>
/// <param name="Source">Its name.</param>
/// <param name="Why">Why, as a sentence for an operator. With several sources, it begins with the name.</param>
internal sealed record SourceDelay(string Source, string Why);
