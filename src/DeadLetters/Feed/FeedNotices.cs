using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Publishes the notices of one operation, in batches, on a connection of its own that opens with the first letter. It never fails or delays the
/// operation: if a notice is lost, the catalogue finds the difference by its counts and reads the queue again.
/// </summary>
/// <param name="options">The broker.</param>
/// <param name="entry">The operation.</param>
internal sealed class FeedNotices(DeadLetterOptions options, AuditEntry entry) : IAsyncDisposable
{
    private const int LargestNotice = 1000; // ids; about 20 KB
    private static readonly TimeSpan _every = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2); // at the end of the operation

    private readonly Channel<(string? Id, ReplayedItem? Replayed)> _moved = Channel.CreateUnbounded<(string?, ReplayedItem?)>(new UnboundedChannelOptions { SingleReader = true });
    private Task? _sending;

    /// <summary>Adds a letter that has left its queue, or has arrived in it.</summary>
    /// <param name="id">The dead letter's id.</param>
    /// <param name="replayed">If it was replayed: the message.</param>
    public void Add(string id, Replayed? replayed = null) => Add(id, replayed is not null && ReportReader.TryParseId(replayed.ReplayId, out _, out var number)
        ? new ReplayedItem(number, replayed.Id, replayed.Target)
        : null);

    /// <summary>Adds what a replay knows at its end about the outcomes, and the application does not report.</summary>
    /// <param name="messages">The messages.</param>
    public void AddOutcomes(FollowedMessages messages)
    {
        foreach (var (message, isAdvice) in messages.WithSource())
        {
            if (!ReportReader.TryParseId(message.ReplayId, out _, out var number) || !(isAdvice || message.NewLetter is not null || message.Outcome == Outcome.LeftQueue))
                continue;
            Add(null, new ReplayedItem(number, message.Id, message.Target) { Outcome = message.Outcome, Advised = isAdvice, NewQueue = message.NewLetter?.Queue, NewId = message.NewLetter?.Id });
        }
    }

    /// <summary>Waits a moment for the notices that are left.</summary>
    public async ValueTask DisposeAsync()
    {
        _moved.Writer.TryComplete();
        if (_sending is not null)
            await Task.WhenAny(_sending, Task.Delay(_patience));
    }

    private async Task SendAsync()
    {
        try
        {
            var connection = await BrokerConnection.OpenAsync(options, $"dead letters: notices about {entry.Queue}", CancellationToken.None);
            var isBlocked = false;
            connection.ConnectionBlockedAsync += (_, _) =>
            {
                isBlocked = true;
                return Task.CompletedTask;
            };
            try
            {
                IChannel?[] channels = [await OpenAsync(connection, FeedNotice.Queue), await OpenAsync(connection, ReplayNotice.Queue)];
                if (channels is [null, null])
                    return;
                await foreach (var moved in BatchesAsync())
                    await PublishAsync(channels[0], channels[1], moved);
                foreach (var channel in channels.Where(channel => channel is not null && !isBlocked))
                    await channel!.CloseAsync(); // answered after the broker has read the notices
            }
            finally
            {
                await connection.CloseAsync(isBlocked);
            }
        }
        catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException or OperationCanceledException)
        {
            // No such queue, no right to it, or no broker: the catalogue's counts find what moved.
        }
        finally
        {
            _moved.Writer.TryComplete();
        }
    }

    // Without a catalogue, there is no such queue.
    private static async Task<IChannel?> OpenAsync(IConnection connection, string queue)
    {
        var channel = await connection.CreateChannelAsync();
        try
        {
            await channel.QueueDeclarePassiveAsync(queue);
            return channel;
        }
        catch (OperationInterruptedException) when (connection.IsOpen)
        {
            return null;
        }
    }

    private async IAsyncEnumerable<List<(string? Id, ReplayedItem? Replayed)>> BatchesAsync()
    {
        while (await _moved.Reader.WaitToReadAsync())
        {
            var moved = new List<(string?, ReplayedItem?)>();
            while (moved.Count < LargestNotice && _moved.Reader.TryRead(out var one))
                moved.Add(one);
            yield return moved;
            if (moved.Count < LargestNotice && !_moved.Reader.Completion.IsCompleted)
                await Task.WhenAny(_moved.Reader.Completion, Task.Delay(_every));
        }
    }

    private async Task PublishAsync(IChannel? feed, IChannel? reports, List<(string? Id, ReplayedItem? Replayed)> moved)
    {
        List<string> ids = [.. moved.Select(one => one.Id).OfType<string>()];
        if (feed is not null && ids.Count > 0)
        {
            var notice = new FeedNotice { Operation = entry.Id, Verb = entry.Verb, LetterQueue = entry.Queue, Ids = ids, By = Headers.Bounded(entry.By), At = DateTimeOffset.UtcNow };
            await feed.BasicPublishAsync("", FeedNotice.Queue, mandatory: false, Properties(FeedNotice.MessageType), notice.Write());
        }
        List<ReplayedItem> replayed = [.. moved.Select(one => one.Replayed).OfType<ReplayedItem>()];
        if (reports is not null && replayed.Count > 0)
        {
            var notice = new ReplayNotice { Operation = entry.Id, LetterQueue = entry.Queue, At = DateTimeOffset.UtcNow, Messages = replayed };
            await reports.BasicPublishAsync("", ReplayNotice.Queue, mandatory: false, Properties(ReplayNotice.MessageType), notice.Write());
        }
    }

    private void Add(string? id, ReplayedItem? replayed)
    {
        if (_moved.Writer.TryWrite((id, replayed)))
            _sending ??= Task.Run(SendAsync);
    }

    private static BasicProperties Properties(string type) => new() { Type = type, ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent };
}
