using WorkinIt.Deliveries;

namespace WorkinIt.Consumers.Ledger;

/// <summary>Stores a copy of the ledger's mark outside of the ledger.</summary>
internal interface ILedgerMarkCopy
{
    /// <summary>Reads the highest mark without removing it; null if there is none.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task<LedgerMark?> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Replaces the stored mark, and returns once the write is confirmed.</summary>
    /// <param name="mark">The mark, already committed in the ledger.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task WriteAsync(LedgerMark mark, CancellationToken cancellationToken);
}
