using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>The letters of all queues, from the catalogue.</summary>
internal static class LetterListPage
{
    public static async Task<IResult> ShowAsync(PageContext page)
    {
        if (page.Catalogue is not { } catalogue)
            return PageContext.SeeOther(page.Links.Start);
        var query = QueryForm.Read(page);
        if (QueryForm.IsReadable(page))
            return PageContext.SeeOther(page.Links.AllLetters + QueryForm.Query(page, query));
        return await CataloguePages.TryAsync(page, () => ShowAsync(page, catalogue, query))
            ?? await QueuePages.QueuesAsync(page);
    }

    private static async Task<IResult> ShowAsync(PageContext page, CatalogueDatabase catalogue, CatalogueQuery query)
    {
        var number = int.TryParse(page.Value("page"), CultureInfo.InvariantCulture, out var asked) && asked > 0 ? asked : 1;
        var skip = (number - 1L) * page.Options.PageLength;
        var model = await catalogue.ReadAsync(
            async (reader, token) =>
            {
                var (queues, version) = await reader.SharedQueuesAsync(token);
                var letters = await reader.LettersAsync(query, skip, page.Options.PageLength, token, mayBeOlder: true);
                var actsOnAll = page.MayAct && query.State is LetterState.Kept or LetterState.Unseen && letters.Matching > letters.Letters.Count;
                return new LetterListModel
                {
                    Version = Math.Min(letters.Version, version),
                    Delays = catalogue.Delays,
                    Query = query,
                    Page = letters,
                    Shown = actsOnAll ? await reader.ShownAsync(query, token) : null,
                    Incomplete = queues.Count(queue => !queue.IsComplete),
                    Number = number,
                    PutBack = Count(page, "put-back"),
                    Dismissed = Count(page, "dismissed"),
                    PageLength = page.Options.PageLength,
                };
            },
            page.Aborted);
        return page.Page<LetterList, LetterListModel>("Dead letters", model, wide: true);
    }

    private static int? Count(PageContext page, string name) => int.TryParse(page.Value(name), CultureInfo.InvariantCulture, out var count) ? count : null;
}

/// <summary>A page of the list of letters.</summary>
internal sealed record LetterListModel
{
    public required long Version { get; init; }

    /// <summary>The sources for which the catalogue may not be up to date.</summary>
    public required IReadOnlyList<SourceDelay> Delays { get; init; }

    /// <summary>Changes when the page must be fetched again.</summary>
    public string Stamp => BoardEvents.Stamp(Version, Delays);

    public required CatalogueQuery Query { get; init; }

    public required LetterPage Page { get; init; }

    /// <summary>How many queues the catalogue does not know completely.</summary>
    public required int Incomplete { get; init; }

    public required int Number { get; init; }

    public required int PageLength { get; init; }

    /// <summary>All letters that match, if an act without a dry run can be done on them; otherwise null.</summary>
    public ShownLetters? Shown { get; init; }

    /// <summary>How many letters the operator has just asked to put back; null if none.</summary>
    public int? PutBack { get; init; }

    /// <summary>How many letters the operator has just dismissed; null if none.</summary>
    public int? Dismissed { get; init; }

    public long First => ((Number - 1L) * PageLength) + 1;

    public long Last => First + Page.Letters.Count - 1;

    public bool HasNext => Last < Page.Matching;
}
