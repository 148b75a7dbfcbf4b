using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Reads the catalogue. Touches no queue.</summary>
internal sealed class CatalogueReader(CatalogueOptions options, TimeProvider time)
{
    private readonly AnswerCache<CatalogueQuery, Board> _boards = new(time, TimeSpan.FromSeconds(1), pause: 5);
    private readonly AnswerCache<CatalogueQuery, long> _counts = new(time, TimeSpan.Zero, pause: 1);
    private readonly AnswerCache<int, IReadOnlyList<CatalogueQueue>> _queues = new(time, TimeSpan.Zero, pause: 1);

    private Database Database => options.Database;

    /// <summary>A number that changes with each change of the catalogue, whichever host made it.</summary>
    public Task<long> VersionAsync(CancellationToken cancellationToken) =>
        ReadAsync(static statements => statements.Scalar<long>("SELECT version FROM catalogue_state WHERE id = 1"), cancellationToken);

    /// <summary>
    /// The board: causes, queues and the histogram of the letters that a query selects. Answers of one version are kept, so that ten readers cost
    /// one. While letters are added, an answer may be a second old, and with <paramref name="mayBeOlder"/> some seconds: see <see cref="Board.Version"/>.
    /// </summary>
    public async Task<Board> BoardAsync(CatalogueQuery query, CancellationToken cancellationToken, bool mayBeOlder = false)
    {
        var version = await VersionAsync(cancellationToken); // before the rest: a change during it makes the board old
        var (board, _) = await _boards.GetAsync(
            query, version, () => ReadAsync(statements => statements.Snapshot(() => Board(statements, query) with { Version = version }), CancellationToken.None), mayBeOlder, cancellationToken);
        return board;
    }

    /// <summary>The letters that follow one, the newest failure first. A letter that fails meanwhile shifts none of them, as it does with pages of a number.</summary>
    /// <param name="query">Which letters.</param>
    /// <param name="after">The letter that they follow; null: from the first.</param>
    /// <param name="take">How many at most.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<IReadOnlyList<CatalogueLetter>> LettersAfterAsync(CatalogueQuery query, LetterCursor? after, int take, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<CatalogueLetter>>(statements =>
    {
        var sql = Sql(statements, query);
        if (after is not null)
            sql.After(after);
        return Rows(statements, sql, query, 0, take);
    }, cancellationToken);

    /// <summary>A page of letters, the newest failure first. With <paramref name="mayBeOlder"/>, their count may be some seconds old: see <see cref="LetterPage.Version"/>.</summary>
    public async Task<LetterPage> LettersAsync(CatalogueQuery query, long skip, int take, CancellationToken cancellationToken, bool mayBeOlder = false)
    {
        var version = await VersionAsync(cancellationToken); // before the rest: a change during it makes the page old
        // A text is searched once, for the count and the page.
        if (query.IsSearch)
            return await ReadAsync(statements => Page(statements, Sql(statements, query), query, skip, take, null), cancellationToken) with { Version = version };
        var (matching, counted) = await _counts.GetAsync(
            query, version, () => ReadAsync(statements => Count(statements, Sql(statements, query), query), CancellationToken.None), mayBeOlder, cancellationToken);
        return await ReadAsync(statements => Page(statements, Sql(statements, query), query, skip, take, matching), cancellationToken) with { Version = counted };
    }

    /// <summary>The ids of all letters of one queue that a query selects, in the queue's order as far as it is known.</summary>
    public Task<IReadOnlyList<string>> IdsAsync(CatalogueQuery query, string source, string queue, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<string>>(statements =>
    {
        var sql = Sql(statements, query).InQueue(source, queue);
        return
        [
            .. sql.Rows(
                statements, $"SELECT l.hash, l.number FROM catalogue_letters l WHERE {sql.Where(QuerySql.State(query))} ORDER BY l.at, l.id",
                static row => new LetterId(row.GetInt64(0), row.GetInt64(1)).ToString()),
        ];
    }, cancellationToken);

    /// <summary>All letters that a query selects, of all queues, each queue's in its order as far as it is known.</summary>
    public Task<IReadOnlyList<SelectedLetter>> SelectedAsync(CatalogueQuery query, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<SelectedLetter>>(statements =>
    {
        var sql = Sql(statements, query);
        return
        [
            .. sql.Rows(
                statements, $"SELECT l.id, q.source, q.name, l.hash, l.number FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id WHERE {sql.Where(QuerySql.State(query))} ORDER BY l.at, l.id",
                static row => new SelectedLetter(row.GetInt64(0), row.GetString(1), row.GetString(2), new LetterId(row.GetInt64(3), row.GetInt64(4)).ToString())),
        ];
    }, cancellationToken);

    /// <summary>What identifies the letters that a query selects now.</summary>
    public Task<ShownLetters> ShownAsync(CatalogueQuery query, CancellationToken cancellationToken) => ReadAsync(statements =>
    {
        var sql = Sql(statements, query);
        return sql.Rows(
            statements, $"SELECT count(*), coalesce(sum(l.id), 0), coalesce(max(l.id), 0) FROM catalogue_letters l WHERE {sql.Where(QuerySql.State(query))}",
            static row => new ShownLetters(row.GetInt64(0), row.GetDecimal(1), row.GetInt64(2))).Single();
    }, cancellationToken);

    /// <summary>One letter; null if it is not in the catalogue. By the dead letter's id.</summary>
    public Task<StoredLetter?> FindAsync(string source, string queue, string id, CancellationToken cancellationToken) => ReadAsync(statements =>
    {
        if (!LetterId.TryParse(id, out var name))
            return null;
        var entry = statements.Row(
            $"SELECT {LetterColumns.All} FROM catalogue_letters l {LetterColumns.Joins} WHERE q.source = @source AND q.name = @queue AND l.hash = @hash AND l.number = @number", LetterColumns.Read,
            ("source", source), ("queue", queue), ("hash", name.Hash), ("number", name.Number));
        if (entry is null)
            return null;
        var contents = statements.Row("SELECT contents FROM catalogue_bodies WHERE letter_id = @id", static row => (byte[])row.GetValue(0), ("id", entry.Key));
        return new StoredLetter(entry, contents is not null ? LetterContents.Read(contents, queue, name)
            : entry.State is LetterState.Kept or LetterState.Unseen ? KeptReading.Whole(statements, entry.Key, queue, name) : null);
    }, cancellationToken);

    /// <summary>All that the catalogue has about a message: its earlier failures, wherever they are now, the oldest first.</summary>
    public Task<IReadOnlyList<CatalogueLetter>> HistoryAsync(string source, string messageId, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<CatalogueLetter>>(statements =>
    {
        var sql = new QuerySql(CatalogueQuery.All with { Source = source }, Database.IsSqlite, time.GetUtcNow(), null).OfMessage(messageId);
        return [.. sql.Rows(statements, $"SELECT {LetterColumns.All} FROM catalogue_letters l {LetterColumns.Joins} WHERE {sql.Where(LetterColumns.AnyState)} ORDER BY l.at, l.id", LetterColumns.Read)];
    }, cancellationToken);

    /// <summary>All queues of all sources; those with letters first.</summary>
    public Task<IReadOnlyList<CatalogueQueue>> QueuesAsync(CancellationToken cancellationToken) => ReadAsync(QueueReading.Read, cancellationToken);

    /// <summary>The same for pages, at most some seconds old, and the version of the catalogue that they show: many readers at the same time share one answer.</summary>
    public async Task<(IReadOnlyList<CatalogueQueue> Queues, long Version)> SharedQueuesAsync(CancellationToken cancellationToken) =>
        await _queues.GetAsync(0, await VersionAsync(cancellationToken), () => QueuesAsync(CancellationToken.None), mayBeOlder: true, cancellationToken);

    /// <summary>The replayed messages of an operation, with their outcomes now; null if the catalogue has none.</summary>
    /// <param name="operation">The operation's id in the audit log.</param>
    /// <param name="most">How many are listed.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<FollowedOperation?> ReplaysOfOperationAsync(string operation, int most, CancellationToken cancellationToken) =>
        ReadAsync(statements => ReplayReading.OfOperation(statements, operation, most), cancellationToken);

    /// <summary>The replays of some letters, by the letter's key.</summary>
    public Task<IReadOnlyDictionary<long, FollowedReplay>> ReplaysOfLettersAsync(IReadOnlyCollection<CatalogueLetter> letters, CancellationToken cancellationToken) =>
        ReadAsync(statements => ReplayReading.OfLetters(statements, [.. letters.Where(letter => letter.Operation is not null).Select(letter => letter.Key)]), cancellationToken);

    /// <summary>The highest number of a letter; 0 if there is none. Later letters get higher ones.</summary>
    public Task<long> NewestAsync(CancellationToken cancellationToken) => ReadAsync(static statements => statements.Scalar<long?>("SELECT max(id) FROM catalogue_letters") ?? 0, cancellationToken);

    /// <summary>Reads what is needed to keep letters whose queue is missing, and to put them back.</summary>
    public Task<T> KeptAsync<T>(Func<Statements, T> read, CancellationToken cancellationToken) => ReadAsync(read, cancellationToken);

    private Board Board(Statements statements, CatalogueQuery query) =>
        new BoardReading(statements, Sql(statements, query), query, time.GetUtcNow()).Read() with { AllQueues = QueueReading.Read(statements) };

    private static long Count(Statements statements, QuerySql sql, CatalogueQuery query) =>
        sql.Rows(statements, $"SELECT count(*) FROM catalogue_letters l WHERE {sql.Where(QuerySql.State(query))}", static row => row.GetInt64(0)).Single();

    private static LetterPage Page(Statements statements, QuerySql sql, CatalogueQuery query, long skip, int take, long? counted)
    {
        var matching = counted ?? Count(statements, sql, query);
        if (skip >= matching)
            return new LetterPage([], matching);
        return new LetterPage(Rows(statements, sql, query, skip, take), matching);
    }

    private static List<CatalogueLetter> Rows(Statements statements, QuerySql sql, CatalogueQuery query, long skip, int take)
    {
        var page = $"SELECT l.id FROM catalogue_letters l WHERE {sql.Where(QuerySql.State(query))} ORDER BY l.at DESC, l.id DESC LIMIT {take} OFFSET {skip}";
        return [.. sql.Rows(statements, $"SELECT {LetterColumns.All} FROM ({page}) AS page JOIN catalogue_letters l ON l.id = page.id {LetterColumns.Joins} ORDER BY l.at DESC, l.id DESC", LetterColumns.Read)];
    }

    private QuerySql Sql(Statements statements, CatalogueQuery query) =>
        new(query, Database.IsSqlite, time.GetUtcNow(), TextSearch.Run(statements, query, Database.IsSqlite));

    // SQLite has no asynchronous I/O: a read must not hold the thread of a request.
    private Task<T> ReadAsync<T>(Func<Statements, T> read, CancellationToken cancellationToken) => Task.Run(() => Database.Read(read), cancellationToken);
}

/// <summary>A letter with its contents.</summary>
/// <param name="Entry">What the catalogue knows about it.</param>
/// <param name="Letter">The letter itself, as it was read; null if the catalogue does not keep its body.</param>
internal sealed record StoredLetter(CatalogueLetter Entry, DeadLetter? Letter);

/// <summary>A place in a list of letters, newest first.</summary>
/// <param name="At">When the letter failed, in Unix milliseconds.</param>
/// <param name="Key">The letter's row.</param>
internal sealed record LetterCursor(long At, long Key);

/// <summary>A page of letters.</summary>
/// <param name="Letters">The letters of the page.</param>
/// <param name="Matching">How many letters the query selects.</param>
internal sealed record LetterPage(IReadOnlyList<CatalogueLetter> Letters, long Matching)
{
    /// <summary>The version of the catalogue that it shows, or a later one.</summary>
    public long Version { get; init; }
}
