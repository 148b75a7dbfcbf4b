using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>The queue that copies go to: whether it exists, and what would happen to a copy there.</summary>
internal sealed class CopyTarget : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly PublishProbe _probe;
    private ReplayTarget _target;

    private CopyTarget(IConnection connection, DeadLetterOptions options, string queue)
    {
        _connection = connection;
        _probe = new PublishProbe(options, queue);
        _target = new ReplayTarget(queue, "", queue);
    }

    /// <summary>Connects, and checks the queue.</summary>
    /// <param name="options">The virtual host of the queue.</param>
    /// <param name="checksLimits">Whether to ask the management API.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The virtual host can't be reached, or the queue does not exist.</exception>
    public static async Task<CopyTarget> OpenAsync(DeadLetterOptions options, bool checksLimits, string queue, CancellationToken cancellationToken)
    {
        var opened = new CopyTarget(await BrokerConnection.OpenAsync(options, $"dead letters: check {queue}", cancellationToken), options, queue);
        try
        {
            await opened.CheckAsync(options, checksLimits, cancellationToken);
            return opened;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>The warnings about each copy.</summary>
    public IReadOnlyList<string> Warnings => _target.Warnings;

    /// <summary>Why a copy can't be made; null if it can be.</summary>
    /// <param name="properties">The properties of the copy.</param>
    /// <param name="body">Its body.</param>
    /// <param name="warnings">Receives further warnings.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<string?> ProblemAsync(BasicProperties properties, ReadOnlyMemory<byte> body, List<string> warnings, CancellationToken cancellationToken)
    {
        if (_target.Refusal is { } refusal)
            return refusal;
        var size = HeaderFrame.SizeOf(properties);
        if (HeaderFrame.Problem(size, _connection.FrameMax) is { } headers)
            return headers;
        if (await _probe.SizeProblemAsync("", _target.Queue, body, cancellationToken) is { } large)
            return large;
        if (_target.Room?.Take(size, body.Length) is { } full)
        {
            if (full.Refused)
                return full.Text;
            warnings.Add(full.Text);
        }
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _probe.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private async Task CheckAsync(DeadLetterOptions options, bool checksLimits, CancellationToken cancellationToken)
    {
        var queue = _target.Queue;
        if (!BrokerNames.Fits(queue) || await new QueueDeclarations(_connection).CountsAsync(queue, cancellationToken) is not var (ready, consumers))
            throw new DeadLetterException(DeadLetterProblem.NoSuchQueue, $"Queue \"{queue}\" not found in virtual host {options.VirtualHost}. Create it first: a copy creates no queue");
        var target = _target with { Refusal = await _probe.RightProblemAsync("", queue, cancellationToken) };
        target = checksLimits ? await LimitsAsync(target, options, ready, consumers, cancellationToken)
            : target with { Warnings = ["limits and times to live are not checked: the queue is on another broker"] };
        var work = consumers == 0 ? $"no consumer is connected to {queue}: the copy waits there"
            : $"consumers of {queue} do the work of the copy, in addition to that of the letter when it is replayed";
        _target = target with { Warnings = [work, .. target.Warnings] };
    }

    private async Task<ReplayTarget> LimitsAsync(ReplayTarget target, DeadLetterOptions options, long ready, uint consumers, CancellationToken cancellationToken)
    {
        using var management = new ManagementClient(options);
        try
        {
            if (await management.QueueAsync(target.Queue, cancellationToken) is not { } definition)
                return target;
            if (ready > 0 && TargetRoom.DependsOnBytes(definition))
            {
                await Task.Delay(BrokerQueue.OldestFigures, cancellationToken); // the bytes of messages that have just arrived may not be counted yet
                definition = await management.QueueAsync(target.Queue, cancellationToken) ?? definition;
            }
            return TargetCheck.Judge(target with { Definition = definition, Room = TargetRoom.Of(definition, ready, _connection.BrokerVersion()) }, definition, consumers);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Unreachable)
        {
            return target with { Warnings = ["limits and times to live are not checked: the management API does not answer"] };
        }
    }
}
