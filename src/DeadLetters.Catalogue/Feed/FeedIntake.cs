using System.Data.Common;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Writes copies and notices to the catalogue, in their order. Waits while the database fails. Skips what can't be written: the counts show what is
/// missing.
/// </summary>
internal sealed partial class FeedIntake(FeedContext context, QueuePresence presence)
{
    private const string BadData = "22"; // the class of PostgreSQL's errors for a value that it does not accept
    private static readonly TimeSpan _shortest = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    private readonly HashSet<string> _missing = []; // those that were logged
    private bool _isFailing;
    private int _erased;

    /// <summary>Which dead-letter queues a copy belongs to.</summary>
    public FeedRoutes? Routes { get; set; }

    /// <summary>Those together with former routes, whose copies may still be in the feed; null if there are none.</summary>
    public FeedRoutes? FormerRoutes { get; set; }

    /// <summary>Whether letters were erased since the last call, so that what is left of them in a file is to be overwritten.</summary>
    public bool TakeErased() => Interlocked.Exchange(ref _erased, 0) > 0;

    /// <summary>Writes messages to the catalogue. Returns when they are there.</summary>
    public async Task TakeAsync(IReadOnlyList<FeedCopy> copies, CancellationToken cancellationToken)
    {
        var letters = new List<Store.NewLetter>(copies.Count);
        foreach (var copy in copies)
        {
            if (!copy.IsNotice)
            {
                letters.AddRange(LettersOf(copy));
                continue;
            }
            await AddAsync(await CheckAsync(letters, cancellationToken), cancellationToken);
            letters.Clear();
            if (FeedNotice.Read(copy.Body) is { } notice)
                await ApplyAsync(notice, cancellationToken);
        }
        await AddAsync(await CheckAsync(letters, cancellationToken), cancellationToken);
    }

    private IEnumerable<Store.NewLetter> LettersOf(FeedCopy copy) => copy.Properties is null ? []
        : QueuesOf(copy).Select(queue => new Store.NewLetter(copy.ToLetter(queue), copy.Redelivered));

    private IReadOnlyList<string> QueuesOf(FeedCopy copy) =>
        Routes!.QueuesOf(copy.Exchange, copy.Keys) is { Count: > 0 } queues ? queues : FormerRoutes?.QueuesOf(copy.Exchange, copy.Keys) ?? [];

    // A queue that exists after its copy arrived existed when the message was published, unless it was declared again in between: then the counts differ.
    private async Task<IReadOnlyList<Store.NewLetter>> CheckAsync(List<Store.NewLetter> letters, CancellationToken cancellationToken)
    {
        var missing = await presence.MissingAsync(letters.Select(one => one.Letter.Queue).Distinct().ToList(), cancellationToken);
        if (missing.Count == 0)
            return letters;
        foreach (var queue in missing.Where(queue => _missing.Add(queue)))
            LogMissing(queue);
        return [.. letters.Select(one => missing.Contains(one.Letter.Queue) ? one with { IsKept = true } : one)];
    }

    private async Task AddAsync(IReadOnlyList<Store.NewLetter> letters, CancellationToken cancellationToken)
    {
        if (letters.Count == 0)
            return;
        try
        {
            await WriteAsync(() => context.Writer.AddAsync(context.Source, letters, cancellationToken), cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            if (letters.Count == 1)
            {
                LogSkipped(e.GetType().Name, letters[0].Letter.Id, letters[0].Letter.Queue);
                return;
            }
            foreach (var half in letters.Chunk((letters.Count + 1) / 2))
                await AddAsync(half, cancellationToken);
        }
    }

    private async Task ApplyAsync(FeedNotice notice, CancellationToken cancellationToken)
    {
        LetterState? state = notice.Verb switch
        {
            "replay" or "edit" or "repair" => LetterState.Replayed,
            "discard" or "discard as sent" => LetterState.Discarded,
            "restore" => LetterState.Restored,
            _ => null,
        };
        try
        {
            if (state is { } moved)
                await WriteAsync(() => context.Writer.MarkMovedAsync(context.Source, notice.LetterQueue, notice.Ids, moved, notice.Operation, notice.By, notice.At, cancellationToken), cancellationToken);
            else if (notice.Verb == "remove")
            {
                await WriteAsync(() => context.Writer.RemoveAsync(context.Source, notice.LetterQueue, notice.Ids, cancellationToken), cancellationToken);
                Interlocked.Increment(ref _erased);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNoticeSkipped(e.GetType().Name, notice.Operation);
        }
    }

    private async Task WriteAsync(Func<Task> write, CancellationToken cancellationToken)
    {
        for (var pause = _shortest; ; pause = pause * 2 < _longest ? pause * 2 : _longest)
        {
            try
            {
                await write();
                if (_isFailing)
                    LogBack();
                _isFailing = false;
                return;
            }
            catch (Exception e) when (IsOfTheDatabase(e))
            {
                if (!_isFailing)
                    LogFailing(e.Message);
                _isFailing = true;
                await Task.Delay(pause, context.Time, cancellationToken);
            }
        }
    }

    /// <summary>Whether the database itself failed. False for a value that it does not accept: that fails again.</summary>
    internal static bool IsOfTheDatabase(Exception e) => e switch
    {
        Microsoft.Data.Sqlite.SqliteException { SqliteErrorCode: 18 or 19 or 20 } => false, // too big, constraint, mismatch
        DbException { SqlState: { } state } when state.StartsWith(BadData, StringComparison.Ordinal) => false,
        _ => e is DbException or IOException or TimeoutException,
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalogue's database can't be written to ({Reason}). Copies of dead letters wait in the queue dead-letters.feed")]
    private partial void LogFailing(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The catalogue's database can be written to again")]
    private partial void LogBack();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The dead-letter queue {Queue} is missing, and its exchange still exists: messages that failed are kept in the catalogue until the queue exists again")]
    private partial void LogMissing(string queue);

    [LoggerMessage(Level = LogLevel.Error, Message = "A dead letter can't be added to the catalogue ({Error}): {Id} in {Queue}")]
    private partial void LogSkipped(string error, string id, string queue);

    [LoggerMessage(Level = LogLevel.Error, Message = "What operation {Operation} moved can't be written to the catalogue ({Error})")]
    private partial void LogNoticeSkipped(string error, string operation);

    private readonly ILogger _log = context.Log;
}
