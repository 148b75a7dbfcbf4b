using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>What one operation finds out about the queues that it moves messages to, and about each message, before that goes.</summary>
internal sealed class MoveCheck(ManagementClient management, QueueSession session, DeadLetterOptions options) : IAsyncDisposable
{
    private readonly PublishProbe _probe = new(options, session.Queue);
    private readonly Dictionary<string, ReplayTarget?> _targets = [];

    /// <summary>The queues that were found.</summary>
    public IEnumerable<ReplayTarget> Targets => _targets.Values.OfType<ReplayTarget>();

    /// <summary>Checks a queue, once; null where there is none.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="byExchange">Whether to publish to the exchange of its name; else straight to the queue.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ReplayTarget?> TargetAsync(string queue, bool byExchange, CancellationToken cancellationToken)
    {
        if (!_targets.TryGetValue(queue, out var target))
            _targets.Add(queue, target = await new TargetCheck(management, session, _probe).FindAsync(queue, byExchange, cancellationToken));
        return target;
    }

    /// <summary>Whether an exchange exists; null where that can't be seen.</summary>
    /// <param name="exchange">Its name.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<bool?> HasExchangeAsync(string exchange, CancellationToken cancellationToken) => new TargetCheck(management, session, _probe).HasExchangeAsync(exchange, cancellationToken);

    /// <summary>Counts anew what fits, where a limit is set.</summary>
    /// <param name="underWay">How many were published and are not confirmed.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RecountAsync(long underWay, CancellationToken cancellationToken)
    {
        foreach (var target in Targets.Where(target => target.Room is not null))
        {
            if (await session.CountsAsync(target.Queue, cancellationToken) is var (ready, _))
                target.Room!.Recount(ready, underWay);
        }
    }

    /// <summary>Why this message can't be moved there; null when it can.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="properties">Its properties as they would be published.</param>
    /// <param name="body">Its body.</param>
    /// <param name="warnings">Gets what is to be known, where it can.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<string?> ProblemAsync(ReplayTarget target, BasicProperties properties, ReadOnlyMemory<byte> body, List<string> warnings, CancellationToken cancellationToken)
    {
        if (target.Refusal is { } refusal)
            return refusal;
        var size = HeaderFrame.SizeOf(properties);
        if (session.FrameMax > 0 && size > session.FrameMax)
            return string.Create(CultureInfo.InvariantCulture, $"its headers have {size:N0} bytes with our stamp, and the broker takes {session.FrameMax:N0} at most (frame_max)");
        if (await _probe.SizeProblemAsync(target.Exchange, target.RoutingKey, body, cancellationToken) is { } large)
            return large;
        if (target.Room?.Take(body.Length) is { } full)
        {
            if (full.Refused)
                return full.Text;
            warnings.Add(full.Text);
        }
        return null;
    }

    public ValueTask DisposeAsync() => _probe.DisposeAsync();
}
