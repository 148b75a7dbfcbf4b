namespace WorkinIt.DeadLetters;

/// <summary>What a virtual host has that patterns of names do not show.</summary>
/// <param name="Exchanges">Exchanges with other names that lead to dead-letter queues, or get an input queue's dead letters; and why they are read.</param>
/// <param name="NotCovered">Dead-letter queues that the patterns do not cover.</param>
internal sealed record RightsSurvey(IReadOnlyList<(string Exchange, string Why)> Exchanges, IReadOnlyList<string> NotCovered)
{
    /// <summary>Asks the management API.</summary>
    /// <param name="management">The management API of the virtual host.</param>
    /// <param name="names">The names of the dead-letter queues.</param>
    /// <param name="rights">The rights that the names give.</param>
    /// <param name="mayOperate">Whether replays must see new failures.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public static async Task<RightsSurvey> OfAsync(ManagementClient management, DeadLetterQueueNames names, NeededRights rights, bool mayOperate, CancellationToken cancellationToken)
    {
        var queues = (await management.QueuesAsync(cancellationToken)).Where(queue => !queue.Exclusive).ToList();
        var bindings = await management.BindingsAsync(cancellationToken);
        var deadLetterQueues = queues.Where(queue => names.Contains(queue.Name)).Select(queue => queue.Name).ToHashSet();
        var covered = deadLetterQueues.Where(rights.IsRead).ToHashSet();
        var leading = bindings.Where(binding => binding.IsToQueue && binding.Source.Length > 0 && covered.Contains(binding.Destination))
            .Select(binding => (binding.Source, $"leads to {binding.Destination}: copies for the catalogue"));
        var receiving = !mayOperate ? [] : queues.Where(queue => !deadLetterQueues.Contains(queue.Name) && rights.Covers(queue.Name))
            .SelectMany(queue => queue.Texts("dead-letter-exchange").Where(exchange => exchange.Length > 0).Select(exchange => (exchange, $"gets the dead letters of {queue.Name}: a replay sees new failures")));
        return new RightsSurvey(
            [.. leading.Concat(receiving).Where(one => !rights.IsRead(one.Item1)).DistinctBy(one => one.Item1).OrderBy(one => one.Item1, StringComparer.Ordinal)],
            [.. deadLetterQueues.Except(covered).Order(StringComparer.Ordinal)]);
    }
}
