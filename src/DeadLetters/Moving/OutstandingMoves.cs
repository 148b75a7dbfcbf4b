using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The moves of one pass that wait for their confirms. A move publishes the message as mandatory, waits for the confirm, then acks the original.
/// Several moves wait at once, in their order.
/// </summary>
/// <param name="session">The queue.</param>
/// <param name="tally">Counts their results.</param>
/// <param name="most">How many may wait at once: <see cref="DeadLetterOptions.Outstanding"/>.</param>
/// <param name="moved">Called for each message that was moved.</param>
internal sealed class OutstandingMoves(QueueSession session, MoveTally tally, int most, Action<DeadLetter, Replayed?> moved)
{
    private readonly Queue<(Taken Taken, Decision.Move Move, Task<string?> Confirm)> _moves = new();

    public int Count => _moves.Count;

    /// <summary>Publishes a message.</summary>
    /// <exception cref="DeadLetterException">The connection to the broker was lost.</exception>
    public async Task PublishAsync(Taken taken, Decision.Move move, CancellationToken cancellationToken)
    {
        var confirm = await session.SendAsync(move.Exchange, move.RoutingKey, move.Properties, move.Body, cancellationToken);
        _moves.Enqueue((taken, move, confirm));
        if (confirm.IsFaulted)
            await SettleAllAsync(); // throws the failure, so that nothing more is published
    }

    /// <summary>Settles the moves at the head whose confirm has arrived. If too many wait, waits for the oldest.</summary>
    public async Task SettleReadyAsync()
    {
        while (_moves.Count > 0 && (_moves.Count >= most || _moves.Peek().Confirm.IsCompleted))
            await SettleAsync(_moves.Dequeue());
    }

    /// <summary>Waits for all confirms.</summary>
    public async Task SettleAllAsync()
    {
        while (_moves.Count > 0)
            await SettleAsync(_moves.Dequeue());
    }

    /// <summary>
    /// Ends the pass: determines the result of each move that is left (confirmed and acked, or in doubt), returns the messages that are held, and waits until the broker
    /// has received the acks. An ack that is lost leaves the message in both queues.
    /// </summary>
    public async Task EndAsync()
    {
        while (_moves.Count > 0)
            await SettleQuietlyAsync(_moves.Dequeue());
        try
        {
            await session.GiveBackAsync();
            await session.ProveAcksAsync();
        }
        finally
        {
            tally.Proven(session.ProvenAcks);
            tally.GiveUpUnproven();
        }
    }

    private async Task SettleAsync((Taken Taken, Decision.Move Move, Task<string?> Confirm) one)
    {
        var letter = one.Taken.Letter;
        string? why;
        try
        {
            why = await one.Confirm;
        }
        catch (DeadLetterException)
        {
            tally.InDoubt(letter, one.Move);
            throw;
        }
        if (why is not null)
        {
            tally.Returned(letter, why);
            return;
        }
        try
        {
            tally.Acked(await session.AckAsync(one.Taken, CancellationToken.None), letter, one.Move);
            tally.Proven(session.ProvenAcks);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            // The copy has arrived, and the broker returns the original to its place. A later replay must not repeat it without a warning.
            tally.InDoubt(letter, one.Move);
            throw;
        }
        moved(letter, one.Move.Replayed);
    }

    private async Task SettleQuietlyAsync((Taken Taken, Decision.Move Move, Task<string?> Confirm) one)
    {
        try
        {
            await SettleAsync(one);
        }
        catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException)
        {
            // Recorded as a doubt; the first failure is being thrown already.
        }
    }
}
