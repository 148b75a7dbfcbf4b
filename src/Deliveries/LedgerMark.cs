namespace WorkinIt.Deliveries;

/// <summary>
/// Identifies a ledger and its version: the ledger's name, and a number that grows with what is written to it. A copy is kept outside of the
/// ledger, so that an older ledger, or a different one, is detected.
/// </summary>
/// <param name="Ledger">The ledger's name; a new ledger gets a new name.</param>
/// <param name="Number">Grows with the writes to the ledger.</param>
public sealed record LedgerMark(string Ledger, long Number)
{
    /// <summary>Whether a ledger with this mark has all records of a ledger with the other mark.</summary>
    /// <param name="other">The other mark.</param>
    public bool Covers(LedgerMark other) => Ledger == other.Ledger && Number >= other.Number;
}
