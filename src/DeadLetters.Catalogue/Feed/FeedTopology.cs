using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>Declares the feed queue, and binds it like the dead-letter queues.</summary>
internal sealed partial class FeedTopology(IConnection connection, ILogger log)
{
    private readonly FeedBindings _bindings = new(connection);
    private readonly ILogger _log = log;
    private HashSet<FeedBinding> _wanted = [];
    private string? _reported;

    /// <summary>Why there can be no feed; null if there is one.</summary>
    /// <param name="existing">The feed queue as the management API shows it; null if it does not.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<string?> DeclareAsync(BrokerQueue? existing, CancellationToken cancellationToken)
    {
        if (existing is not null && FeedQueue.ProblemOf(existing) is { } problem)
            return problem;
        if ((existing is null ? null : FeedQueue.DifferenceOf(existing)) is { } difference && difference != _reported)
            LogDifference(_reported = difference);
        try
        {
            await FeedQueue.DeclareAsync(connection, cancellationToken);
            return null;
        }
        catch (DeadLetterException e) when (connection.IsOpen)
        {
            return e.Message;
        }
    }

    /// <summary>Binds the feed to all that leads to dead-letter queues, and to nothing else.</summary>
    /// <param name="existing">Its bindings as they are.</param>
    /// <param name="wanted">The bindings of each queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Why a binding is not possible, by binding; null if it was made.</returns>
    public async Task<IReadOnlyDictionary<FeedBinding, string?>> BindAsync(IReadOnlySet<FeedBinding> existing, IEnumerable<FeedBinding> wanted, CancellationToken cancellationToken)
    {
        _wanted = [.. wanted];
        var failed = new Dictionary<FeedBinding, string?>();
        foreach (var binding in _wanted.Where(binding => !existing.Contains(binding)))
            failed[binding] = await _bindings.BindAsync(binding, cancellationToken);
        foreach (var binding in existing.Except(_wanted))
            await _bindings.UnbindAsync(binding, cancellationToken);
        return failed;
    }

    /// <summary>Removes all bindings, so that the feed gets no copies while no host reads it.</summary>
    public async Task UnbindAsync(CancellationToken cancellationToken)
    {
        foreach (var binding in _wanted)
            await _bindings.UnbindAsync(binding, cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Queue dead-letters.feed has different arguments and is used as it is: {Difference}")]
    private partial void LogDifference(string difference);
}
