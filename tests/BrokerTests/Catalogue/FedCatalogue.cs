using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Feed;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A catalogue and its feed, as one host runs them, with short intervals.</summary>
internal sealed class FedCatalogue : IAsyncDisposable
{
    private readonly DeadLetterOptions _broker;
    private readonly Database _database;
    private readonly DeadLetterClient _client;

    private FedCatalogue(DeadLetterOptions broker, Database database, bool usesDefaultInterval, bool unbindsAtStop)
    {
        (_broker, _database) = (broker, database);
        Options = new CatalogueOptions { Database = database, Source = "test", UnbindsAtStop = unbindsAtStop };
        if (!usesDefaultInterval)
            Options = Options with { CheckInterval = TimeSpan.FromMilliseconds(200) };
        _client = new DeadLetterClient(broker, new AuditFile(Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl")));
        Store = CatalogueStore.Open(Options, TimeProvider.System);
        Feed = new DeadLetterFeed(_client, Options, Store, TimeProvider.System, new Logger(Logged));
    }

    public CatalogueOptions Options { get; }

    public CatalogueStore Store { get; }

    public DeadLetterFeed Feed { get; }

    /// <summary>What the feed logged.</summary>
    public ConcurrentQueue<string> Logged { get; } = new();

    /// <summary>Starts the feed of a virtual host.</summary>
    /// <param name="broker">The virtual host.</param>
    /// <param name="database">The database; null: a new SQLite file.</param>
    /// <param name="usesDefaultInterval">Whether to check as often as by default, instead of 5 times a second.</param>
    /// <param name="unbindsAtStop">Whether it stops as a host does that is shut down; otherwise as one that is killed.</param>
    public static async Task<FedCatalogue> StartAsync(DeadLetterOptions broker, string? database = null, bool usesDefaultInterval = false, bool unbindsAtStop = false)
    {
        Database.TryParse(database ?? $"Data Source={Path.Combine(Path.GetTempPath(), $"workinit-catalogue-{Guid.NewGuid():N}.db")}", out var parsed, out var error).ShouldBeTrue(error);
        var fed = new FedCatalogue(broker, parsed!, usesDefaultInterval, unbindsAtStop);
        await fed.Feed.StartAsync(CancellationToken.None);
        return fed;
    }

    /// <summary>Another host with the same catalogue.</summary>
    public async Task<FedCatalogue> StartAnotherAsync(bool usesDefaultInterval = false)
    {
        var fed = new FedCatalogue(_broker, _database, usesDefaultInterval, Options.UnbindsAtStop);
        await fed.Feed.StartAsync(CancellationToken.None);
        return fed;
    }

    /// <summary>The catalogue's row of a queue; null if it has none.</summary>
    public async Task<CatalogueQueue?> RowAsync(string queue) => (await Store.Reader.QueuesAsync(default)).SingleOrDefault(row => row.Name == queue);

    public Task<CatalogueQueue?> SeeRowAsync(string queue, Func<CatalogueQueue?, bool> satisfies, string what, TimeSpan? within = null) =>
        Eventually.SeeAsync(() => RowAsync(queue), satisfies, $"{queue} {what}", within);

    /// <summary>The ids of the letters that the catalogue has in a queue.</summary>
    public Task<IReadOnlyList<string>> IdsAsync(string queue) => Store.Reader.IdsAsync(CatalogueQuery.All, "test", queue, default);

    /// <summary>Waits until the catalogue has read a queue and its copies come.</summary>
    public Task<CatalogueQueue?> SeeFedAsync(string queue) => SeeRowAsync(queue, row => row is { IsFed: true, IsComplete: true }, "is fed and complete", TimeSpan.FromSeconds(10));

    /// <summary>Waits until the catalogue has exactly the letters that a reader of the queue finds.</summary>
    public async Task SeeAgreesAsync(string queue, int letters, TimeSpan? within = null)
    {
        await SeeRowAsync(queue, row => row is { IsComplete: true } && row.Letters == letters, string.Create(CultureInfo.InvariantCulture, $"is complete with {letters} letters"), within ?? TimeSpan.FromSeconds(20));
        (await IdsAsync(queue)).Order(StringComparer.Ordinal).ShouldBe((await ReadAsync(queue)).Order(StringComparer.Ordinal));
    }

    /// <summary>Waits until the catalogue has the letters that a reader of the queue finds, whatever their number.</summary>
    public async Task SeeAgreesAsync(string queue)
    {
        var read = (IReadOnlyList<string>)[];
        await Eventually.SeeAsync(
            async () =>
            {
                await SeeRowAsync(queue, row => row is { IsComplete: true }, "is complete"); // without a read, which would end the catalogue's
                read = await ReadAsync(queue);
                return await IdsAsync(queue);
            },
            ids => ids.ToHashSet().SetEquals(read) && ids.Count == read.Count, $"the catalogue agrees with {queue}", TimeSpan.FromSeconds(30));
    }

    /// <summary>The ids of the letters in a queue, read from its head to its end.</summary>
    public async Task<IReadOnlyList<string>> ReadAsync(string queue) =>
        [.. (await WhenFreeAsync(() => _client.ListAsync(queue, DeadLetterFilter.All, 0, int.MaxValue, "test", default))).Letters.Select(letter => letter.Id)];

    /// <summary>Runs an operation, as soon as no other runs on the queue.</summary>
    public static async Task<T> WhenFreeAsync<T>(Func<Task<T>> operation)
    {
        while (true)
        {
            try
            {
                return await operation();
            }
            catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Locked)
            {
                await Task.Delay(50);
            }
        }
    }

    /// <summary>The audit log.</summary>
    public Task<IReadOnlyList<AuditEntry>> AuditAsync(string queue) => _client.Audit.ReadAsync(queue, 100, default);

    /// <summary>Waits until the feed has just compared the queues, so that the next check is a full interval away.</summary>
    public async Task SeeCheckAsync()
    {
        var before = Feed.CheckedAt;
        while (Feed.CheckedAt == before)
            await Task.Delay(5);
    }

    /// <summary>Waits until the catalogue has noted that the counts agreed with so many letters.</summary>
    public Task SeeSeenAsync(int letters) => Eventually.SeeAsync(
        () => Task.FromResult(Options.Database.Read(statements => statements.Scalar<long>("SELECT max(seen_to) FROM catalogue_queues"))), seen => seen >= letters, "the letters were seen in their queue");

    /// <summary>The letters in a state.</summary>
    public async Task<IReadOnlyList<CatalogueLetter>> InStateAsync(LetterState state) => (await Store.Reader.LettersAsync(CatalogueQuery.All with { State = state }, 0, 10_000, default)).Letters;

    /// <summary>Waits until a number of letters is in a state.</summary>
    public Task SeeInStateAsync(LetterState state, int count) => Eventually.SeeAsync(
        async () => (await InStateAsync(state)).Count, seen => seen == count, string.Create(CultureInfo.InvariantCulture, $"{count} letters in state {state}"), TimeSpan.FromSeconds(30));

    /// <summary>Stops the feed.</summary>
    public Task StopAsync() => Feed.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Feed.Dispose();
        await Store.DisposeAsync();
        _client.Dispose();
    }

    private sealed class Logger(ConcurrentQueue<string> lines) : ILogger<DeadLetterFeed>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(formatter(state, exception));
    }
}
