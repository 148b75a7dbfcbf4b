using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>What still fits into a queue with a length limit, counted down for each message that is to be moved there.</summary>
internal sealed class TargetRoom
{
    private readonly string _queue;
    private readonly long? _mostMessages;
    private readonly long? _mostBytes;
    private readonly bool _returns;
    private readonly bool _countsHeaders;
    private long _messages;
    private long _bytes;

    private TargetRoom(string queue, long? mostMessages, long? mostBytes, bool returns, bool countsHeaders, long messages, long bytes) =>
        (_queue, _mostMessages, _mostBytes, _returns, _countsHeaders, _messages, _bytes) = (queue, mostMessages, mostBytes, returns, countsHeaders, messages, bytes);

    /// <summary>The room in a queue; null if it has no length limit.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="ready">How many messages are ready in it now.</param>
    /// <param name="broker">The broker's version. From 4.0 on, the size of a message in a quorum queue includes its headers.</param>
    public static TargetRoom? Of(BrokerQueue queue, long ready, Version broker)
    {
        var (messages, bytes) = (queue.Limit("max-length"), queue.Limit("max-length-bytes"));
        return messages is null && bytes is null ? null
            : new TargetRoom(queue.Name, messages, bytes, Returns(queue), queue.Type == "quorum" && broker.Major >= 4, ready, ready == 0 ? 0 : queue.Bytes);
    }

    /// <summary>Whether the size in bytes must be up to date before anything is moved: when it is full, the queue drops its oldest messages.</summary>
    /// <param name="queue">The queue.</param>
    public static bool DependsOnBytes(BrokerQueue queue) => queue.Limit("max-length-bytes") is not null && !Returns(queue);

    // "reject-publish-dlx" also dead-letters what it rejects, and a quorum queue treats it as "drop-head". If two sources disagree, the worse one counts.
    private static bool Returns(BrokerQueue queue) => queue.Texts("overflow") is { Count: > 0 } overflow && overflow.All(one => one == "reject-publish");

    /// <summary>Updates the count of messages in the queue.</summary>
    /// <param name="ready">How many messages are ready in it now.</param>
    /// <param name="underWay">How many more messages were published and may not be counted yet.</param>
    public void Recount(long ready, long underWay)
    {
        _messages = ready + underWay;
        if (_messages == 0)
            _bytes = 0; // the broker's count of bytes is older
    }

    /// <summary>Takes room for one message.</summary>
    /// <param name="headers">The size of its headers and properties as AMQP 0-9-1 encodes them, in bytes.</param>
    /// <param name="body">The size of its body, in bytes.</param>
    /// <returns>Null if it fits; otherwise whether it is refused (or the broker returns it), and why.</returns>
    public (bool Refused, string Text)? Take(long headers, long body)
    {
        const int Sections = 64; // from RabbitMQ 4.0 on, a quorum queue stores messages as AMQP 1.0, which takes a few bytes more: an upper estimate
        var bytes = _countsHeaders ? headers + Sections + body : body;
        if (!(_messages >= _mostMessages || _bytes + bytes > _mostBytes))
        {
            _messages++;
            _bytes += bytes;
            return null;
        }
        var limit = string.Create(CultureInfo.InvariantCulture, $"{_queue} holds {(_messages >= _mostMessages ? $"{_mostMessages:N0} messages" : $"{_mostBytes:N0} bytes")} at most");
        return _returns
            ? (false, $"{limit}: the broker refuses what does not fit, and it stays here")
            : (true, $"{limit}, and one more would push out the oldest one: raise that limit, or replay the rest later");
    }
}
