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

    private readonly Channel<string> _ids = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    private Task? _sending;

    /// <summary>Adds a letter that has left its queue, or has arrived in it.</summary>
    /// <param name="id">The dead letter's id.</param>
    public void Add(string id)
    {
        if (_ids.Writer.TryWrite(id))
            _sending ??= Task.Run(SendAsync);
    }

    /// <summary>Waits a moment for the notices that are left.</summary>
    public async ValueTask DisposeAsync()
    {
        _ids.Writer.TryComplete();
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
                var channel = await connection.CreateChannelAsync();
                await channel.QueueDeclarePassiveAsync(FeedNotice.Queue); // without a catalogue, there is no such queue
                await foreach (var ids in BatchesAsync())
                    await PublishAsync(channel, ids);
                if (!isBlocked)
                    await channel.CloseAsync(); // answered after the broker has read the notices
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
            _ids.Writer.TryComplete();
        }
    }

    private async IAsyncEnumerable<List<string>> BatchesAsync()
    {
        while (await _ids.Reader.WaitToReadAsync())
        {
            var ids = new List<string>();
            while (ids.Count < LargestNotice && _ids.Reader.TryRead(out var id))
                ids.Add(id);
            yield return ids;
            if (ids.Count < LargestNotice && !_ids.Reader.Completion.IsCompleted)
                await Task.WhenAny(_ids.Reader.Completion, Task.Delay(_every));
        }
    }

    private ValueTask PublishAsync(IChannel channel, List<string> ids)
    {
        var notice = new FeedNotice { Operation = entry.Id, Verb = entry.Verb, LetterQueue = entry.Queue, Ids = ids, By = Headers.Bounded(entry.By), At = DateTimeOffset.UtcNow };
        var properties = new BasicProperties { Type = FeedNotice.MessageType, ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent };
        return channel.BasicPublishAsync("", FeedNotice.Queue, mandatory: false, properties, notice.Write());
    }
}
