namespace WorkinIt.DeadLetters;

/// <summary>
/// Finds out where a message that is moved to a queue would really go, and what happens to it there: checks bindings, alternate exchange,
/// limits and times to live, by arguments and by policies, and the permission to publish.
/// </summary>
internal sealed class TargetCheck(ManagementClient management, QueueSession session, PublishProbe probe)
{
    /// <summary>Checks one queue; null if it does not exist.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="byExchange">Whether to publish to the exchange with the same name, if it exists, as MassTransit does; otherwise directly to the queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<ReplayTarget?> FindAsync(string queue, bool byExchange, CancellationToken cancellationToken)
    {
        if (!BrokerNames.Fits(queue) || await session.Broker.CountsAsync(queue, cancellationToken) is not var (ready, consumers))
            return null;
        var hasExchange = byExchange && await HasExchangeAsync(queue, cancellationToken) == true;
        var target = hasExchange ? new ReplayTarget(queue, queue, "") : new ReplayTarget(queue, "", queue);
        if (await probe.RightProblemAsync(target.Exchange, target.RoutingKey, cancellationToken) is { } right)
            return target with { Refusal = right };
        try
        {
            if (hasExchange && await new TargetRoute(management, queue).ProblemAsync(cancellationToken) is { } astray)
                target = astray.Refused ? target with { Refusal = astray.Text } : target with { Warnings = [astray.Text] };
            if (await management.QueueAsync(queue, cancellationToken) is not { } definition)
                return null;
            if (ready > 0 && TargetRoom.DependsOnBytes(definition))
            {
                // The bytes of messages that have just arrived may not be counted yet. AMQP reports only the number of messages.
                await Task.Delay(BrokerQueue.OldestFigures, cancellationToken);
                definition = await management.QueueAsync(queue, cancellationToken) ?? definition;
            }
            target = Judge(target with { Definition = definition, Room = TargetRoom.Of(definition, ready, session.BrokerVersion) }, definition, consumers);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Unreachable)
        {
            target = target with { Warnings = [.. target.Warnings, "bindings, limits and times to live are not checked: the management API does not answer"] };
        }
        return consumers == 0 ? target with { Warnings = [.. target.Warnings, $"no consumer is connected to {queue}: it will wait there"] } : target;
    }

    /// <summary>Whether an exchange exists; null if neither the broker nor the management API reports it.</summary>
    /// <param name="exchange">Its name.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<bool?> HasExchangeAsync(string exchange, CancellationToken cancellationToken)
    {
        try
        {
            if (!BrokerNames.MayOverflowReply(exchange) || session.BrokerVersion.Major < 4)
                return await session.Broker.HasExchangeAsync(exchange, cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Forbidden)
        {
            // From RabbitMQ 4 on, this check also requires some permission on the exchange.
        }
        try
        {
            return await management.ExchangeAsync(exchange, cancellationToken) is not null;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Unreachable)
        {
            return null;
        }
    }

    /// <summary>Adds what the queue's limits would do to a message: warnings, or why none can be moved there.</summary>
    public static ReplayTarget Judge(ReplayTarget target, BrokerQueue queue, uint consumers)
    {
        var warnings = new List<string>(target.Warnings);
        var refusal = target.Refusal;
        if (queue.Limit("message-ttl") is { } ttl)
        {
            var time = Duration.Words(TimeSpan.FromMilliseconds(ttl));
            if (queue.Texts("dead-letter-exchange") is [var next, ..])
                warnings.Add($"it waits {time} at most in {queue.Name}, then goes to {(next.Length > 0 ? next : queue.Texts("dead-letter-routing-key") is [var key, ..] ? key : queue.Name)} (message-ttl)");
            else if (consumers == 0)
                refusal ??= $"{queue.Name} has no consumer, and deletes it after {time} (message-ttl): start the consumer first, or remove that limit";
            else
                warnings.Add($"{queue.Name} deletes it after {time} if no consumer has taken it by then (message-ttl)");
        }
        if (queue.Limit("expires") is { } life && consumers == 0)
            refusal ??= $"{queue.Name} has no consumer, and is deleted with all messages after {Duration.Words(TimeSpan.FromMilliseconds(life))} without one (expires): start the consumer first";
        if (!queue.Durable)
            warnings.Add($"{queue.Name} is not durable: a restart of the broker deletes the messages in it");
        return target with { Warnings = warnings, Refusal = refusal };
    }
}
