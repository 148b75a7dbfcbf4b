using System.Data.Common;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>Settles letters that failed while their queue was missing, or were never seen in it: they are put back, or dismissed.</summary>
internal static class KeptActions
{
    /// <summary>The host that feeds the catalogue puts them back.</summary>
    public static Task<IResult> PutBackAsync(PageContext page) => ActAsync(
        page, "put-back", (store, at, ids) => store.Kept.RequestAsync(at.Source, at.Queue, ids, page.By, page.Aborted),
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
            foreach (var queue in await selection.QueuesAsync(catalogue, page.Aborted))
            {
                if (await selection.IdsAsync(catalogue, queue, page.Aborted) is { Count: > 0 } ids)
                    count += await act(await catalogue.Store, queue, ids);
            }
        }
        catch (Exception e) when (e is DbException or CatalogueException)
        {
            return page.Problem(StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be written", $"{e.Message}.", "It may have been done for some messages. Reload the list.");
        }
        return problem(count) ?? PageContext.SeeOther(page.Links.AllLetters + QueryForm.Query(page, selection.Query, (done, count.ToString(CultureInfo.InvariantCulture))));
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
        var (dismissed, problem) = ((IReadOnlyList<string>)[], "");
        try
        {
            dismissed = await store.Kept.DismissAsync(at.Source, at.Queue, ids, page.By, page.Aborted);
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
