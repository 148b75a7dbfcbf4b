using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Writes the catalogue. Each method is one transaction, except where it says otherwise. After a failure it can be called again.</summary>
internal sealed class CatalogueWriter(CatalogueOptions options, GroupCommit commits, TimeProvider time)
{
    internal const long Exclusive = 0x446561644C657474; // any number that nothing else locks
    private const int PrunedAtOnce = 500;
    private const long LargestToRewrite = 400L << 20; // bytes: rewriting takes about 2 s, and the feed waits meanwhile

    // SQLite's default of 2 MB holds neither the pages that one batch changes nor the indexes.
    private const string Cache = "PRAGMA cache_size = -16384"; // 16 MB

    private readonly GroupCache _groups = new();

    /// <summary>
    /// Adds copies of letters from the feed. Identical letters of one queue get the numbers 2, 3, … after their id, as in <see cref="DeadLetter.Id"/>;
    /// a redelivered copy that is there already is not added again, nor is the copy of a letter that a walk has just added. A letter that came back
    /// (restored, or returned by the broker) is there again.
    /// </summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="letters">The letters, of any queues, in the order of the feed.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task AddAsync(string source, IReadOnlyList<NewLetter> letters, CancellationToken cancellationToken)
    {
        if (letters.Count == 0)
            return;
        var rows = await PrepareAsync(letters, areCopies: true, cancellationToken);
        await AddAsync(adding =>
        {
            foreach (var row in rows)
                adding.Add(source, row);
        }, cancellationToken);
    }

    /// <summary>
    /// Marks letters as moved by one of our operations. Identical letters are interchangeable: of n in the queue, the one with the highest number is
    /// marked, so that the numbers of the rest stay as a reader of the queue counts them. A second call with the same operation, time and id does nothing.
    /// </summary>
    public Task MarkMovedAsync(string source, string queue, IReadOnlyList<string> ids, LetterState state, string operation, string by, DateTimeOffset at, CancellationToken cancellationToken) =>
        LeaveAsync(source, queue, (leaving, number) =>
        {
            foreach (var id in Parsed(ids))
                leaving.Move(number, id, state, operation, by, at.ToUnixTimeMilliseconds());
        }, cancellationToken);

    /// <summary>
    /// Deletes letters and everything kept of them (an erasure), also what is left of identical letters that have left their queue. Copies may be
    /// left in free space of a SQLite file: call <see cref="OverwriteAsync"/> when all are deleted.
    /// </summary>
    public Task RemoveAsync(string source, string queue, IReadOnlyList<string> ids, CancellationToken cancellationToken) =>
        LeaveAsync(source, queue, (leaving, number) =>
        {
            foreach (var id in Parsed(ids))
                leaving.Remove(number, id);
            leaving.RemoveUnused();
        }, cancellationToken);

    /// <summary>Removes all copies of deleted letters from a SQLite file and its log. Not a transaction.</summary>
    /// <returns>Null on success; otherwise why copies are left.</returns>
    public Task<CopiesLeft?> OverwriteAsync(CancellationToken cancellationToken) => Task.Run(() => options.Database.WriteAnew(LargestToRewrite), cancellationToken);

    /// <summary>Writes the state of a queue; creates it. Keeps <see cref="CatalogueQueue.Letters"/>, which is counted.</summary>
    public Task SaveQueueAsync(CatalogueQueue queue, CancellationToken cancellationToken) => WriteAsync(statements =>
    {
        var saving = new QueueSaving(statements, Now);
        if (saving.Save(queue))
            saving.Bump();
    }, cancellationToken);

    /// <summary>Begins to compare a queue with the catalogue, letter by letter. Creates the queue.</summary>
    /// <returns>The walk's number.</returns>
    public Task<long> BeginWalkAsync(string source, string queue, CancellationToken cancellationToken) =>
        commits.WriteAsync(statements => new QueueSaving(statements, Now).BeginWalk(source, queue), cancellationToken, Exclusive);

    /// <summary>Adds the next letters of a walk, in the queue's order, with their own ids; those that are in the catalogue already are marked as seen.</summary>
    public async Task AddWalkedAsync(string source, string queue, long walk, IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        if (letters.Count == 0)
            return;
        var rows = await PrepareAsync([.. letters.Select(letter => new NewLetter(letter, Redelivered: false))], areCopies: false, cancellationToken);
        await AddAsync(adding =>
        {
            var number = adding.Queue(source, queue).Id;
            foreach (var row in rows)
                adding.AddWalked(number, walk, row);
            adding.CountWalked(number, rows.Length);
        }, cancellationToken);
    }

    /// <summary>
    /// Ends a walk: letters that were there when it began and that it has not seen are gone. Letters that were added meanwhile stay.
    /// </summary>
    public Task EndWalkAsync(string source, string queue, long walk, CancellationToken cancellationToken) => WriteAsync(statements =>
    {
        var leaving = new LetterLeaving(statements, options.Database.IsSqlite, Now);
        if (leaving.FindQueue(source, queue) is not { } number)
            return;
        leaving.EndWalk(number, walk);
        new QueueSaving(statements, Now).EndWalk(number);
        leaving.Bump();
    }, cancellationToken);

    /// <summary>A queue no longer exists: its letters are gone, and <see cref="CatalogueReader.QueuesAsync"/> no longer lists it.</summary>
    public Task RemoveQueueAsync(string source, string queue, CancellationToken cancellationToken) =>
        LeaveAsync(source, queue, (leaving, number) => leaving.RemoveQueue(number), cancellationToken);

    /// <summary>
    /// Deletes letters that left their queue longer ago than <see cref="CatalogueOptions.Retention"/>, and original messages of repairs that are older, in
    /// several transactions.
    /// </summary>
    /// <returns>How many letters.</returns>
    public async Task<long> PruneAsync(CancellationToken cancellationToken)
    {
        var before = (time.GetUtcNow() - options.Retention).ToUnixTimeMilliseconds();
        while (await commits.WriteAsync(statements => AuditOriginals.Prune(statements, before), cancellationToken))
        {
            // Each transaction deletes some.
        }
        for (long total = 0; ;)
        {
            var pruned = await commits.WriteAsync(statements => Prune(statements, before), cancellationToken, Exclusive);
            total += pruned;
            if (pruned < PrunedAtOnce)
                return total;
        }
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private int Prune(Statements statements, long before)
    {
        var leaving = new LetterLeaving(statements, options.Database.IsSqlite, Now);
        var pruned = leaving.Prune(before, PrunedAtOnce);
        if (pruned < PrunedAtOnce)
            leaving.RemoveUnused();
        if (pruned > 0)
            leaving.Bump();
        return pruned;
    }

    private Task<LetterRow[]> PrepareAsync(IReadOnlyList<NewLetter> letters, bool areCopies, CancellationToken cancellationToken) =>
        Task.Run(() => letters.AsParallel().AsOrdered().Select(it => LetterRow.Of(it, areCopies, options)).ToArray(), cancellationToken);

    private async Task AddAsync(Action<LetterAdding> add, CancellationToken cancellationToken)
    {
        var made = await commits.WriteAsync(statements =>
        {
            if (options.Database.IsSqlite)
                statements.Execute(Cache);
            var adding = new LetterAdding(statements, _groups, Now);
            add(adding);
            adding.Bump();
            return adding;
        }, cancellationToken, Exclusive);
        _groups.Keep(made.Groups, made.Removals);
    }

    private Task<bool> LeaveAsync(string source, string queue, Action<LetterLeaving, long> leave, CancellationToken cancellationToken) => WriteAsync(statements =>
    {
        var leaving = new LetterLeaving(statements, options.Database.IsSqlite, Now);
        if (leaving.FindQueue(source, queue) is not { } number)
            return;
        leave(leaving, number);
        leaving.Bump();
    }, cancellationToken);

    private Task<bool> WriteAsync(Action<Statements> change, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        change(statements);
        return true;
    }, cancellationToken, Exclusive);

    private static IEnumerable<LetterId> Parsed(IReadOnlyList<string> ids) =>
        ids.Select(id => LetterId.TryParse(id, out var parsed) ? parsed : throw new ArgumentException($"{id} is not the id of a dead letter", nameof(ids)));
}
