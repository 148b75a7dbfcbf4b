using System.Diagnostics;

namespace WorkinIt.DeadLetters;

/// <content>What becomes of replayed messages.</content>
public sealed partial class DeadLetterBroker
{
    /// <summary>Follows what becomes of replayed messages.</summary>
    private sealed class Outcomes(IReplayAdvisor? advisor, QueueSession session, IReadOnlyCollection<string> targets, Func<QueueSession, string, CancellationToken, Task<bool>> isQuiet)
    {
        public async Task WaitAsync(Operation operation, TimeSpan wait, CancellationToken cancellationToken)
        {
            var clock = Stopwatch.StartNew();
            var delayedSince = new Dictionary<string, TimeSpan>();
            TimeSpan? quietSince = null;
            while (true)
            {
                await AskAsync(operation.Replayed, delayedSince, clock, cancellationToken);
                if (session.Failures.SeesAll && operation.Replayed.Any(IsWaiting))
                {
                    quietSince = await AllQuietAsync(cancellationToken) ? quietSince ?? clock.Elapsed : null;
                    if (clock.Elapsed - quietSince > _quiet)
                    {
                        await Task.Delay(_ask, cancellationToken); // what has just failed is on its way here
                        Update(operation.Replayed, message => IsWaiting(message) ? Seen(message) ?? Outcome.Gone : null);
                    }
                }
                var known = operation.Replayed.LongCount(message => !IsWaiting(message) && (message.Outcome != Outcome.Delayed || clock.Elapsed - delayedSince[message.ReplayId] > _settled));
                operation.Report(waiting: true, known, always: true);
                if (known == operation.Replayed.Count || clock.Elapsed > wait)
                    return;
                await Task.Delay(_ask, cancellationToken);
            }
        }

        private async Task AskAsync(List<Replayed> replayed, Dictionary<string, TimeSpan> delayedSince, Stopwatch clock, CancellationToken cancellationToken)
        {
            Update(replayed, Seen);
            if (advisor is null)
                return;
            var open = Enumerable.Range(0, replayed.Count).Where(i => replayed[i].Outcome is Outcome.Waiting or Outcome.Delayed).ToArray();
            foreach (var some in open.Chunk(500))
            {
                var answers = await advisor.AskAsync([.. some.Select(i => replayed[i])], cancellationToken);
                foreach (var (i, answer) in some.Zip(answers))
                {
                    if (answer is not { } outcome)
                        continue;
                    replayed[i] = replayed[i] with { Outcome = Seen(replayed[i]) ?? outcome };
                    if (outcome == Outcome.Delayed)
                        delayedSince.TryAdd(replayed[i].ReplayId, clock.Elapsed);
                }
            }
        }

        private Outcome? Seen(Replayed message) =>
            message.Outcome != Outcome.Sent && session.Failures.HasSeen(message.ReplayId) ? Outcome.FailedAgain : null;

        private async Task<bool> AllQuietAsync(CancellationToken cancellationToken)
        {
            foreach (var target in targets)
            {
                if (!await isQuiet(session, target, cancellationToken))
                    return false;
            }
            return true;
        }

        private static bool IsWaiting(Replayed message) => message.Outcome == Outcome.Waiting;

        private static void Update(List<Replayed> replayed, Func<Replayed, Outcome?> outcome)
        {
            for (var i = 0; i < replayed.Count; i++)
            {
                if (outcome(replayed[i]) is { } known)
                    replayed[i] = replayed[i] with { Outcome = known };
            }
        }
    }
}
