namespace WorkinIt.DeadLetters;

/// <summary>The part that moves messages in the order of their keys.</summary>
internal sealed partial class Mover
{
    // Returns false if the pass ends here.
    private async Task<bool> MoveInOrderAsync(
        IReadOnlyList<Taken> window, OrderedMoves order, Func<IReadOnlyList<DeadLetter>, Task<IReadOnlyList<Decision>>> decide, OutstandingMoves moves, Turns turns, long most,
        CancellationToken cancellationToken)
    {
        var before = Attempted;
        foreach (var taken in window)
            order.Keys.See(taken.Letter);
        do
        {
            var next = order.Next(window);
            var decisions = await decide([.. next.Select(taken => taken.Letter)]);
            foreach (var (taken, decision) in next.Zip(decisions))
            {
                if (cancellationToken.IsCancellationRequested || Attempted - before >= most
                    || (Steps is { } steps && decision is Decision.Move && !await steps.MayMoveAsync(turns, () => ConfirmAsync(moves), cancellationToken)))
                    return false;
                _examined++;
                var attempted = Attempted;
                await ApplyAsync(taken, decision, moves, turns, attempted - _passBegan, cancellationToken);
                order.Applied(taken.Letter, decision, Attempted > attempted, Tally.WasDecided(taken.Letter));
                await moves.SettleReadyAsync();
                Report(waiting: false);
            }
        }
        while (Attempted - before < most && await order.WaitInWindowAsync(window, () => ConfirmAsync(moves), turns, cancellationToken));
        return true;
    }
}
