using WorkinIt.Deliveries;

namespace WorkinIt.Consumers.Ledger;

/// <summary>Where a copy of the ledger's mark is kept, outside of the ledger.</summary>
internal interface ILedgerMarkCopy
{
    /// <summary>Reads the highest mark, and leaves it there; null where there is none.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<LedgerMark?> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Writes a mark, for sure, in the place of the one before.</summary>
    /// <param name="mark">The mark, committed in the ledger.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task WriteAsync(LedgerMark mark, CancellationToken cancellationToken);
}
