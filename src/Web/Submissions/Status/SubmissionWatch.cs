using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// Sends open pages the changes of their submissions. It makes one query a second for all pages together; a page uses no thread.
/// </summary>
internal sealed partial class SubmissionWatch(SubmissionStore store, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<SubmissionWatch> log) : BackgroundService
{
    private const int AtOnce = 10_000; // a statement's parameters are limited: 32,766 in SQLite, 65,535 in PostgreSQL

    private static readonly TimeSpan _every = TimeSpan.FromSeconds(1);

    // Proxies cut a connection that is idle for a minute.
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<Guid, ImmutableList<ChannelWriter<Submission>>> _watched = new();

    /// <summary>How many submissions are watched now.</summary>
    public int Count => _watched.Count;

    /// <summary>
    /// Yields the submission as it is now and after each change, and null after each 20 s without a change. Ends when the submission is sent,
    /// which is final, or when the host stops.
    /// </summary>
    /// <param name="id">The id of an existing submission.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async IAsyncEnumerable<Submission?> WatchAsync(Guid id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var inbox = Channel.CreateBounded<Submission>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        _watched.AddOrUpdate(id, [inbox.Writer], (_, writers) => writers.Add(inbox.Writer));
        try
        {
            var now = store.Find(id); // read after registering, so that no change is missed in between
            yield return now;
            var lastYield = time.GetTimestamp();
            while (now is not { State: SubmissionState.Sent })
            {
                // Each poll delivers the submission, changed or not. The silence is measured from the last yield.
                var next = await NextAsync(inbox.Reader, _silence - time.GetElapsedTime(lastYield), ending.Token);
                if (ending.IsCancellationRequested)
                    yield break;
                if (next == now)
                    continue;
                lastYield = time.GetTimestamp();
                if (next is null)
                    yield return null;
                else
                    yield return now = next;
            }
        }
        finally
        {
            Remove(id, inbox.Writer);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            await PollAsync(stoppingToken);
    }

    private async Task PollAsync(CancellationToken stoppingToken)
    {
        if (_watched.IsEmpty)
            return;
        try
        {
            foreach (var ids in _watched.Keys.Chunk(AtOnce))
            {
                foreach (var submission in await Task.Run(() => store.Find(ids), stoppingToken))
                {
                    foreach (var writer in _watched.GetValueOrDefault(submission.Id, []))
                        writer.TryWrite(submission);
                }
            }
        }
        catch (DbException e)
        {
            LogUnavailable(log, e.GetType().Name); // the pages keep their state; the next poll tries again
        }
    }

    // Null after the timeout. The timeout also cancels the read: a pending read would consume the next submission.
    private async Task<Submission?> NextAsync(ChannelReader<Submission> inbox, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (timeout <= TimeSpan.Zero)
            return null;
        using var silence = new CancellationTokenSource(timeout, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            return await inbox.ReadAsync(ending.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private void Remove(Guid id, ChannelWriter<Submission> writer)
    {
        while (_watched.TryGetValue(id, out var writers))
        {
            var left = writers.Remove(writer);
            if (left.IsEmpty ? _watched.TryRemove(KeyValuePair.Create(id, writers)) : _watched.TryUpdate(id, left, writers))
                return;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store can't be read ({Reason}): open pages are not updated until it can")]
    private static partial void LogUnavailable(ILogger log, string reason);
}
