using System.Data.Common;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>Settles letters that failed while their queue was missing, or were never seen in it: they are put back, or dismissed.</summary>
internal static class KeptActions
{
    private const int AtOnce = 1000; // letters in one transaction: meanwhile, the feed can't write

    /// <summary>The host that feeds the catalogue puts them back.</summary>
    public static Task<IResult> PutBackAsync(PageContext page) => ActAsync(
        page, "put-back", (store, at, ids) => PutBackAsync(page, store, at, ids),
        count => count > 0 ? null : page.Problem(
            StatusCodes.Status409Conflict, "Nothing to put back", "No message was selected, they were put back already, or the catalogue no longer has their contents.", "Reload the list."));

    /// <summary>They were removed on purpose, so they count as gone. Only those that were never seen in their queue: of a kept one, the catalogue has the only copy.</summary>
    public static Task<IResult> DismissAsync(PageContext page) => ActAsync(
        page, "dismissed", (store, at, ids) => DismissAsync(page, store, at, ids),
        count => count > 0 ? null : page.Problem(
            StatusCodes.Status409Conflict, "Nothing to dismiss", "No message was selected, or none of them is gone and was never seen in its queue.", "Reload the list."));

    private static async Task<IResult> ActAsync(
        PageContext page, string done, Func<CatalogueStore, QueueCount, IReadOnlyList<string>, Task<int>> act, Func<int, IResult?> problem)
    {
        if (page.Catalogue is not { Store.IsCompletedSuccessfully: true } catalogue)
            return page.Problem(StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be used", "Its database is not ready.", "Nothing was done. Try again in a few seconds.");
        var selection = CatalogueSelection.Read(page);
        var count = 0;
        try
        {
            if (await LettersAsync(page, catalogue, selection) is not { } letters)
            {
                return page.Problem(
                    StatusCodes.Status409Conflict, "The list has changed", "Other messages match now than those that the list showed.", "Nothing was done. Reload the list, look at it, and select again.");
            }
            foreach (var queue in letters.GroupBy(letter => (letter.Source, letter.Queue)))
                count += await act(await catalogue.Store, new QueueCount(queue.Key.Source, queue.Key.Queue, queue.Count()), [.. queue.Select(letter => letter.Id)]);
        }
        catch (Exception e) when (e is DbException or CatalogueException)
        {
            return page.Problem(StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be written", $"{e.Message}.", "It may have been done for some messages. Reload the list.");
        }
        return problem(count) ?? PageContext.SeeOther(page.Links.AllLetters + QueryForm.Query(page, selection.Query, (done, count.ToString(CultureInfo.InvariantCulture))));
    }

    // Letters that are named; or all that the list showed, without those that have come since. Null: others match now, and nobody has seen them.
    private static async Task<IReadOnlyList<SelectedLetter>?> LettersAsync(PageContext page, CatalogueDatabase catalogue, CatalogueSelection selection)
    {
        if (page.Value("all") is not { } all)
            return [.. selection.Letters.Select(letter => new SelectedLetter(0, letter.Source, letter.Queue, letter.Id))];
        return ShownLetters.Parse(all) is { } shown
            ? shown.Among(await catalogue.ReadAsync((reader, token) => reader.SelectedAsync(selection.Query, token), page.Aborted))
            : null;
    }

    private static async Task<int> PutBackAsync(PageContext page, CatalogueStore store, QueueCount at, IReadOnlyList<string> ids)
    {
        var count = 0;
        foreach (var some in ids.Chunk(AtOnce))
            count += await store.Kept.RequestAsync(at.Source, at.Queue, some, page.By, CancellationToken.None);
        return count;
    }

    private static async Task<int> DismissAsync(PageContext page, CatalogueStore store, QueueCount at, IReadOnlyList<string> ids)
    {
        var (audit, now) = (page.Sources.Default.Client.Audit, page.Time.GetUtcNow());
        var entry = new AuditEntry
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            At = now,
            By = page.By,
            Verb = "dismiss",
            Queue = at.Queue,
            Source = page.Shows(at.Source) ? at.Source : null,
            Filter = DeadLetterFilter.ById(ids).ToString(),
        };
        await audit.WriteAsync(entry, page.Aborted);
        var (dismissed, problem) = (new List<string>(), "");
        try
        {
            foreach (var some in ids.Chunk(AtOnce))
                dismissed.AddRange(await store.Kept.DismissAsync(at.Source, at.Queue, some, page.By, CancellationToken.None));
        }
        catch (Exception e)
        {
            problem = $"Failed ({e.GetType().Name})";
            throw;
        }
        finally
        {
            await audit.WriteAsync(entry with
            {
                EndedAt = page.Time.GetUtcNow(),
                Selected = ids.Count,
                Done = dismissed.Count,
                Refused = problem.Length > 0 ? 0 : ids.Count - dismissed.Count,
                Problem = problem,
                Messages = [.. dismissed.Take(AuditEntry.NamedMessages)],
            }, CancellationToken.None);
        }
        return dismissed.Count;
    }
}
