namespace WorkinIt.FaultTests;

/// <summary>
/// What became of all submissions of a run. Each is counted once: as held, dead-lettered, mailed, or lost. Reasons are those of the
/// dead letters, with their counts.
/// </summary>
public sealed record Tally(int Accepted, int MailedOnce, int MailedTwice, int Held, int DeadLettered, int Lost, string Reasons)
{
    public override string ToString() =>
        $"accepted {Accepted}, mailed once {MailedOnce}, mailed twice {MailedTwice}, held {Held}, dead-lettered {DeadLettered}, lost {Lost}{(Reasons.Length == 0 ? "" : $" ({Reasons})")}";
}
