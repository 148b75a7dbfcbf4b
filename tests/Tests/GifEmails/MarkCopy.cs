using System.Diagnostics.CodeAnalysis;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Deliveries;

namespace WorkinIt.Tests.GifEmails;

/// <summary>Keeps the copy of the ledger's mark in memory instead of on a broker.</summary>
[SuppressMessage("Performance", "CA1812:Avoid uninstantiated internal classes", Justification = "The service provider creates it")]
internal sealed class MarkCopy : ILedgerMarkCopy
{
    public LedgerMark? Mark { get; set; }

    /// <summary>Why the copy can't be read; null if it can.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Why the copy can't be written; null if it can.</summary>
    public Exception? WriteFailure { get; set; }

    /// <summary>How often the copy was written.</summary>
    public int Writes { get; private set; }

    public Task<LedgerMark?> ReadAsync(CancellationToken cancellationToken) => Failure is { } failure ? Task.FromException<LedgerMark?>(failure) : Task.FromResult(Mark);

    public Task WriteAsync(LedgerMark mark, CancellationToken cancellationToken)
    {
        if (WriteFailure is { } failure)
            return Task.FromException(failure);
        Mark = mark;
        Writes++;
        return Task.CompletedTask;
    }
}
