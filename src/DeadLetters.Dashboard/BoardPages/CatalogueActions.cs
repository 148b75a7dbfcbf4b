using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>
/// Acts on what is selected on the board or in the list: letters by their ids, causes, or all that match. In one queue, the dry run starts; in
/// several, the operator chooses one, because an operation works on one queue at a time.
/// </summary>
internal static class CatalogueActions
{
    /// <summary>How many letters may be selected by their ids. More can be selected by a cause, or as a complete queue.</summary>
    private const int MostIds = 100_000;

    public static Task<IResult> ReplayAsync(PageContext page) => ActAsync(page, Verb.Replay);

    public static Task<IResult> DiscardAsync(PageContext page) => ActAsync(page, Verb.Discard);

    private static async Task<IResult> ActAsync(PageContext page, Verb verb)
    {
        if (page.Catalogue is not { } catalogue)
            return PageContext.SeeOther(page.Links.Start);
        try
        {
            var selection = CatalogueSelection.Read(page);
            var queues = await selection.QueuesAsync(catalogue, page.Aborted);
            return queues switch
            {
                [] => page.Problem(StatusCodes.Status400BadRequest, "Nothing is selected", "No dead letter was selected, or those that were have left their queues.", "Go back and select some."),
                [var only] => await StartAsync(page, verb, selection, catalogue, only),
                _ => page.Page<ChooseQueue, ChoiceModel>($"{verb}: choose a queue", new ChoiceModel(verb, selection, queues)),
            };
        }
        catch (CatalogueException e)
        {
            return page.Problem(StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be read", $"{e.Message}.", "Nothing was done. Open the queue itself and select there.");
        }
    }

    /// <summary>Starts the dry run for what is selected in one queue.</summary>
    /// <param name="page">The request.</param>
    /// <param name="verb">What to do.</param>
    /// <param name="selection">What is selected.</param>
    /// <param name="catalogue">The catalogue.</param>
    /// <param name="at">The queue.</param>
    /// <param name="with">Sets the options; null: none.</param>
    public static async Task<IResult> StartAsync(
        PageContext page, Verb verb, CatalogueSelection selection, CatalogueDatabase catalogue, QueueCount at, Func<RequestedOperation, RequestedOperation>? with = null)
    {
        if (page.Sources.Find(at.Source) is not { } source)
        {
            return page.Problem(StatusCodes.Status409Conflict, "Another source", $"{at.Queue} is a queue of {at.Source}. This application acts on {string.Join(", ", page.Sources.Select(own => own.Name))} only.",
                $"Open the pages of an application that is connected to {at.Source}.");
        }
        page.ActOn(source.Name);
        var queue = await QueuePages.FindAsync(page, at.Queue);
        if (queue.IsDiscarded && verb == Verb.Discard)
            return page.Problem(StatusCodes.Status409Conflict, "Already discarded", $"{queue.Name} keeps discarded messages.", "They can be restored.");
        var filter = await selection.FilterAsync(catalogue, at, page.Aborted);
        if (filter.Ids is { Count: > MostIds })
        {
            return page.Problem(StatusCodes.Status409Conflict, "Too many dead letters", $"A search may select up to {MostIds:N0} dead letters for an operation; this one selects {filter.Ids.Count:N0}.",
                "Select a cause instead, or a shorter time.");
        }
        var requested = new RequestedOperation(queue.IsDiscarded ? Verb.Restore : verb, source, queue.Name, filter);
        return page.ToOperation((await page.Runner.StartAsync(with?.Invoke(requested) ?? requested, page.By, isDryRun: true)).Id);
    }
}

/// <summary>The queues that hold a selection.</summary>
internal sealed record ChoiceModel(Verb Verb, CatalogueSelection Selection, IReadOnlyList<QueueCount> Queues);
