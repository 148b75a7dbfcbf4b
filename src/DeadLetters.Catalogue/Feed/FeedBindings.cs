using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>Binds the feed queue, and removes bindings that lead to no dead-letter queue any more.</summary>
internal sealed class FeedBindings(IConnection connection)
{
    /// <summary>Binds the feed queue to an exchange.</summary>
    /// <returns>Why that is not possible; null if it is bound.</returns>
    public Task<string?> BindAsync(FeedBinding binding, CancellationToken cancellationToken) =>
        TryAsync(binding, channel => channel.QueueBindAsync(FeedNotice.Queue, binding.Exchange, binding.RoutingKey, binding.ArgumentValues(), cancellationToken: cancellationToken), cancellationToken);

    /// <summary>Removes a binding.</summary>
    /// <returns>Why that is not possible; null if there is no such binding any more.</returns>
    public Task<string?> UnbindAsync(FeedBinding binding, CancellationToken cancellationToken) =>
        TryAsync(binding, channel => channel.QueueUnbindAsync(FeedNotice.Queue, binding.Exchange, binding.RoutingKey, binding.ArgumentValues(), cancellationToken), cancellationToken);

    private async Task<string?> TryAsync(FeedBinding binding, Func<IChannel, Task> act, CancellationToken cancellationToken)
    {
        try
        {
            await connection.OnOwnChannelAsync(binding.Exchange, async channel =>
            {
                await act(channel);
                return true;
            }, cancellationToken);
            return null;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            return $"Exchange {binding.Exchange} or queue {FeedNotice.Queue} not found";
        }
        catch (DeadLetterException e) when (connection.IsOpen)
        {
            return e.Message;
        }
    }
}
