namespace WorkinIt.Deliveries;

/// <summary>
/// How much a ledger knows: which one it is, and a number that grows with what is written to it. A copy is kept outside of it, so that an
/// older ledger, or another one, is noticed.
/// </summary>
/// <param name="Ledger">The ledger; a new one has a new name.</param>
/// <param name="Number">Grows.</param>
public sealed record LedgerMark(string Ledger, long Number)
{
    /// <summary>Whether a ledger with this mark knows all that one with the other knew.</summary>
    /// <param name="other">The other mark.</param>
    public bool Covers(LedgerMark other) => Ledger == other.Ledger && Number >= other.Number;
}
