using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>Checks for one operation the queues that it moves messages to, and each message before it is moved.</summary>
internal sealed class MoveCheck(ManagementClient management, QueueSession session, DeadLetterOptions options) : IAsyncDisposable
{
    private readonly PublishProbe _probe = new(options, session.Queue);
    private readonly Dictionary<string, ReplayTarget?> _targets = [];

    /// <summary>The queues that exist, of those checked so far.</summary>
    public IEnumerable<ReplayTarget> Targets => _targets.Values.OfType<ReplayTarget>();

    /// <summary>Checks a queue, once per operation; null if it does not exist.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="byExchange">Whether to publish to the exchange with the same name; otherwise directly to the queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<ReplayTarget?> TargetAsync(string queue, bool byExchange, CancellationToken cancellationToken)
    {
        if (!_targets.TryGetValue(queue, out var target))
            _targets.Add(queue, target = await new TargetCheck(management, session, _probe).FindAsync(queue, byExchange, cancellationToken));
        return target;
    }

    /// <summary>Whether an exchange exists; null if that can't be determined.</summary>
    /// <param name="exchange">Its name.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<bool?> HasExchangeAsync(string exchange, CancellationToken cancellationToken) => new TargetCheck(management, session, _probe).HasExchangeAsync(exchange, cancellationToken);

    /// <summary>Recounts how much fits into each queue that has a limit.</summary>
    /// <param name="underWay">How many messages were published and are not confirmed.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task RecountAsync(long underWay, CancellationToken cancellationToken)
    {
        foreach (var target in Targets.Where(target => target.Room is not null))
        {
            if (await session.Broker.CountsAsync(target.Queue, cancellationToken) is var (ready, _))
                target.Room!.Recount(ready, underWay);
        }
    }

    /// <summary>Why a message can't be moved to a queue; null if it can be.</summary>
    /// <param name="target">The queue.</param>
    /// <param name="properties">The properties as they would be published.</param>
    /// <param name="body">The body.</param>
    /// <param name="warnings">Receives the warnings about a message that can be moved.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<string?> ProblemAsync(ReplayTarget target, BasicProperties properties, ReadOnlyMemory<byte> body, List<string> warnings, CancellationToken cancellationToken)
    {
        if (target.Refusal is { } refusal)
            return refusal;
        var size = HeaderFrame.SizeOf(properties);
        if (HeaderFrame.Problem(size, session.FrameMax) is { } headers)
            return headers;
        if (await _probe.SizeProblemAsync(target.Exchange, target.RoutingKey, body, cancellationToken) is { } large)
            return large;
        if (target.Room?.Take(size, body.Length) is { } full)
        {
            if (full.Refused)
                return full.Text;
            warnings.Add(full.Text);
        }
        return null;
    }

    public ValueTask DisposeAsync() => _probe.DisposeAsync();
}
