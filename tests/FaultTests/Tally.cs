namespace WorkinIt.FaultTests;

/// <summary>
/// The outcomes of all submissions of a run. Each submission is counted once: as held, dead-lettered, mailed, or lost. Reasons lists the
/// reasons of the dead letters with their counts.
/// </summary>
public sealed record Tally(int Accepted, int MailedOnce, int MailedTwice, int Held, int DeadLettered, int Lost, string Reasons)
{
    public override string ToString() =>
        $"accepted {Accepted}, mailed once {MailedOnce}, mailed twice {MailedTwice}, held {Held}, dead-lettered {DeadLettered}, lost {Lost}{(Reasons.Length == 0 ? "" : $" ({Reasons})")}";
}
