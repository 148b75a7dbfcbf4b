using WorkinIt.Deliveries;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The ledger of a system without Consumers. Writes what Consumers would have written.</summary>
internal sealed class TestLedger : IAsyncDisposable
{
    private readonly GroupCommit _writer;
    private readonly DeliveryLedger _ledger;

    public TestLedger(WorkinItSystem system)
    {
        Database.TryParse($"Data Source={Path.Combine(system.Folder, "deliveries.db")}", out var database, out _).ShouldBeTrue();
        _writer = new GroupCommit(database!);
        _ledger = new DeliveryLedger(database!, _writer, TimeProvider.System);
    }

    /// <summary>Records that the outcome of a submission is unknown.</summary>
    public async Task HoldAsync(Guid id)
    {
        await _ledger.TakeAsync(id, TimeSpan.FromSeconds(35), "cat", default);
        await _ledger.UnknownAsync(id, $"no reply came (at {DateTimeOffset.UtcNow:u}). Look for Message-ID {id:N} in the mail server's log", default);
    }

    /// <summary>Records that the mail server has accepted the mail of a submission.</summary>
    public async Task SendAsync(Guid id)
    {
        await _ledger.TakeAsync(id, TimeSpan.FromSeconds(35), "cat", default);
        await _ledger.SentAsync(id, DateTimeOffset.UtcNow, "250 ok", default);
    }

    public ValueTask DisposeAsync() => _writer.DisposeAsync();
}
