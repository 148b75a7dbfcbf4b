using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Mcp;

/// <summary>
/// Queues where reading has a cost: each read counts toward a delivery limit, or hides the messages for a while. A program may read again and again, so it does
/// not read them; a person can.
/// </summary>
internal static class CostlyQueues
{
    /// <summary>The dead letters, to look at one queue. A server reads them from its catalogue, and refuses if it would have to read the queue.</summary>
    /// <exception cref="WrongUsageException">Reading the queue has a cost.</exception>
    public static async Task<IDeadLetters> OpenAsync(CommandContext context, string queue, CancellationToken cancellationToken)
    {
        var letters = context.NewLetters(acceptsCost: false);
        if (!context.IsRemote)
            await CheckAsync(letters, queue, "list", cancellationToken);
        return letters;
    }

    /// <summary>Refuses a queue where reading has a cost.</summary>
    /// <param name="letters">The dead letters.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="verb">The command with which a person can do it.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="WrongUsageException">Reading the queue has a cost.</exception>
    public static async Task CheckAsync(IDeadLetters letters, string queue, string verb, CancellationToken cancellationToken)
    {
        if (await letters.FindQueueAsync(queue, cancellationToken) is { AccessWarning: { } cost, Messages: > 0 })
            throw new WrongUsageException($"{cost}. A program does not read it. A person can: “workinit dead-letters {verb} --queue {queue}”");
    }
}
