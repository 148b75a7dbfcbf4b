using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>What an operator selected on the board or in the list.</summary>
/// <param name="Query">The search of the page.</param>
/// <param name="Causes">The causes that are selected; empty: none, then <paramref name="Letters"/> or all that match.</param>
/// <param name="Letters">The letters that are selected.</param>
/// <param name="IsAll">Whether all that match are selected.</param>
/// <param name="At">The queue that was chosen; null: not chosen yet.</param>
internal sealed record CatalogueSelection(CatalogueQuery Query, IReadOnlyList<string> Causes, IReadOnlyList<LetterKey> Letters, bool IsAll, LetterKey? At)
{
    /// <exception cref="FormatException">A part of the form can't be read.</exception>
    public static CatalogueSelection Read(PageContext page)
    {
        var all = page.IsTicked("all");
        var only = page.Value("only"); // the button of one row: what else is selected does not count
        return new CatalogueSelection(
            QueryForm.Read(page),
            all ? [] : only is not null ? [only] : [.. page.Form["cause"].OfType<string>().Distinct()],
            all || only is not null ? [] : [.. page.Form["letter"].OfType<string>().Select(LetterKey.Parse).Distinct()],
            all,
            page.Value("at") is { } at ? LetterKey.Parse(at) : null);
    }

    /// <summary>The queues that hold what is selected.</summary>
    /// <exception cref="CatalogueException">The catalogue can't be read.</exception>
    public async Task<IReadOnlyList<QueueCount>> QueuesAsync(CatalogueDatabase catalogue, CancellationToken cancellationToken)
    {
        var counts = Letters.Count > 0
            ? Letters.Select(letter => new QueueCount(letter.Source, letter.Queue, 1))
            : await CountsAsync(catalogue, cancellationToken);
        return [.. counts.Where(count => count.Count > 0 && (At is null || (count.Source, count.Queue) == (At.Source, At.Queue)))
            .GroupBy(count => (count.Source, count.Queue), (queue, some) => new QueueCount(queue.Source, queue.Queue, some.Sum(one => one.Count)))
            .OrderByDescending(queue => queue.Count)];
    }

    /// <summary>The filter for an operation in one queue.</summary>
    /// <exception cref="CatalogueException">The catalogue can't be read.</exception>
    public async Task<DeadLetterFilter> FilterAsync(CatalogueDatabase catalogue, QueueCount at, CancellationToken cancellationToken)
    {
        // A cause alone is a filter of an operation, too: the operation finds also what has failed since.
        if (Letters.Count == 0 && Queries is [var query] && query with { Cause = null, Queue = null, Source = null, Span = CatalogueQuery.All.Span } == CatalogueQuery.All)
            return query.Cause is { } cause ? new DeadLetterFilter { Cause = cause } : DeadLetterFilter.All;
        return DeadLetterFilter.ById(await IdsAsync(catalogue, at, cancellationToken));
    }

    /// <summary>The ids of the letters in one queue.</summary>
    /// <exception cref="CatalogueException">The catalogue can't be read.</exception>
    public async Task<IReadOnlyList<string>> IdsAsync(CatalogueDatabase catalogue, QueueCount at, CancellationToken cancellationToken)
    {
        if (Letters.Count > 0)
            return [.. Letters.Where(letter => (letter.Source, letter.Queue) == (at.Source, at.Queue)).Select(letter => letter.Id)];
        var ids = new List<string>();
        foreach (var one in Queries)
            ids.AddRange(await catalogue.ReadAsync((reader, token) => reader.IdsAsync(one, at.Source, at.Queue, token), cancellationToken));
        return ids;
    }

    private IReadOnlyList<CatalogueQuery> Queries =>
        Causes.Count > 0 ? [.. Causes.Select(cause => Query with { Cause = cause })] : IsAll ? [Query] : [];

    private async Task<IReadOnlyList<QueueCount>> CountsAsync(CatalogueDatabase catalogue, CancellationToken cancellationToken)
    {
        var counts = new List<QueueCount>();
        foreach (var query in Queries)
            counts.AddRange((await catalogue.ReadAsync((reader, token) => reader.BoardAsync(query, token), cancellationToken)).Queues);
        return counts;
    }
}
