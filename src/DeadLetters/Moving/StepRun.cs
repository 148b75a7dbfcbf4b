namespace WorkinIt.DeadLetters;

/// <summary>Moves the messages of a replay, in steps or all at once. In steps, an alarm of the broker is a pause and not the end.</summary>
internal static class StepRun
{
    /// <summary>Moves the messages; those that the canary has moved are gone.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="session">The queue.</param>
    /// <param name="planner">Decides on each message.</param>
    /// <param name="mover">Moves them.</param>
    /// <param name="steps">Lets it move them in steps; null: all at once.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task MoveAsync(ReplayRequest request, QueueSession session, ReplayPlanner planner, Mover mover, StepGate? steps, CancellationToken cancellationToken)
    {
        if (request.Canary && mover.Replayed.Count > 0)
            steps?.SkipFirst();
        mover.Steps = steps;
        while (true)
        {
            try
            {
                await mover.RunAsync(DecideAsync, request.Pace, long.MaxValue, cancellationToken);
                return;
            }
            catch (DeadLetterException e) when (steps is { HasSteps: true } && e.Problem == DeadLetterProblem.Blocked && mover.Attempted > 0 && !cancellationToken.IsCancellationRequested)
            {
                steps.Block(session.Blocked is { } why ? $"RabbitMQ accepts no messages: {why}" : e.Message);
            }
        }

        async Task<IReadOnlyList<Decision>> DecideAsync(IReadOnlyList<DeadLetter> window)
        {
            var decisions = await planner.DecideAsync(window, mover.Unconfirmed, cancellationToken);
            steps?.Know(window.Zip(decisions).Where(one => one.Second is Decision.Move).Select(one => one.First));
            return decisions;
        }
    }
}
