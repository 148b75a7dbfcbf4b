using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>What still fits into a queue with a limit of length, counted down as messages are meant for it.</summary>
internal sealed class TargetRoom
{
    private readonly string _queue;
    private readonly long? _mostMessages;
    private readonly long? _mostBytes;
    private readonly bool _returns;
    private long _messages;
    private long _bytes;

    private TargetRoom(string queue, long? mostMessages, long? mostBytes, bool returns, long messages, long bytes) =>
        (_queue, _mostMessages, _mostBytes, _returns, _messages, _bytes) = (queue, mostMessages, mostBytes, returns, messages, bytes);

    /// <summary>The room in a queue; null where it has no limit.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="ready">How many are ready in it now.</param>
    public static TargetRoom? Of(BrokerQueue queue, long ready)
    {
        var (messages, bytes) = (queue.Limit("max-length"), queue.Limit("max-length-bytes"));
        // What "reject-publish-dlx" rejects it also dead-letters, and a quorum queue takes it for "drop-head". Two sources that disagree count as the worse one.
        var returns = queue.Texts("overflow") is { Count: > 0 } overflow && overflow.All(one => one == "reject-publish");
        return messages is null && bytes is null ? null : new TargetRoom(queue.Name, messages, bytes, returns, ready, queue.Bytes);
    }

    /// <summary>Counts the queue anew.</summary>
    /// <param name="ready">How many are ready in it now.</param>
    /// <param name="underWay">How many more were published and may not be counted yet.</param>
    public void Recount(long ready, long underWay)
    {
        _messages = ready + underWay;
        if (_messages == 0)
            _bytes = 0; // of bytes the broker gives only an older count
    }

    /// <summary>Takes room for one message.</summary>
    /// <returns>What would happen where there is none: it is refused, or the broker returns it; null where it fits.</returns>
    public (bool Refused, string Text)? Take(long bytes)
    {
        if (!(_messages >= _mostMessages || _bytes + bytes > _mostBytes))
        {
            _messages++;
            _bytes += bytes;
            return null;
        }
        var limit = string.Create(CultureInfo.InvariantCulture, $"{_queue} holds {(_messages >= _mostMessages ? $"{_mostMessages:N0} messages" : $"{_mostBytes:N0} bytes")} at most");
        return _returns
            ? (false, $"{limit}: the broker refuses what does not fit, and that stays here")
            : (true, $"{limit}, and one more would push out the oldest there: raise that limit, or replay the rest later");
    }
}
