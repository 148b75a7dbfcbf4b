using Microsoft.AspNetCore.Routing;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>Finds the letter of a page: in the catalogue, otherwise in its queue.</summary>
internal static class LetterSource
{
    private const string DiscardedSuffix = "_discarded";

    /// <summary>The source that an address names as <c>?source=</c>: one that this application does not have. Null if there is none.</summary>
    public static string? NamedSource(PageContext page) =>
        page.Http.GetRouteValue("source") is null && page.Http.Request.Query["source"].ToString() is { Length: > 0 } named ? named : null;

    /// <summary>What the catalogue has; null if it does not have the letter, can't be read, or does not exist.</summary>
    public static async Task<Found?> InCatalogueAsync(PageContext page)
    {
        if (page.Catalogue is not { } catalogue)
            return null;
        try
        {
            if (NamedSource(page) is { } named)
                page.ActOn(named);
            var (source, queue, id) = (page.Source, page.Queue, page.Route("id"));
            return await catalogue.ReadAsync(
                async (reader, token) =>
                {
                    if (await reader.FindAsync(source, queue, id, token) is not { } stored)
                        return null;
                    var history = stored.Entry.MessageId is { } message ? await reader.HistoryAsync(source, message, token) : [];
                    return new Found(stored, (await reader.SharedQueuesAsync(token)).Queues.FirstOrDefault(known => known.Source == source && known.Name == queue), history, page.At is not null)
                    {
                        Replays = await reader.ReplaysOfLettersAsync(history is [] ? [stored.Entry] : history, token),
                    };
                },
                page.Aborted);
        }
        catch (CatalogueException e)
        {
            page.CatalogueProblem = e.Message;
            return null;
        }
    }

    /// <summary>Finds the letter with its contents; null if neither the catalogue nor the queue has it.</summary>
    public static async Task<LetterModel?> FindAsync(PageContext page, Found? found, bool revealed)
    {
        if (found is { Stored.Letter: { } kept } known)
            return new LetterModel(known.QueueOf(), kept, revealed) { Found = known };
        if (found is { IsReadable: false })
            return null;
        var queue = await QueuePages.FindAsync(page);
        return await MessagePage.FindAsync(page, queue) is { } letter
            ? new LetterModel(queue, letter, revealed) { Found = found, IsRead = page.Catalogue is not null && page.CatalogueProblem is null }
            : null;
    }

    /// <summary>What the catalogue knows about a letter.</summary>
    /// <param name="Stored">The letter.</param>
    /// <param name="Queue">Its queue; null if the catalogue no longer has it.</param>
    /// <param name="History">All letters of the same message, the oldest first.</param>
    /// <param name="IsHere">Whether this application acts on its source.</param>
    internal sealed record Found(StoredLetter Stored, CatalogueQueue? Queue, IReadOnlyList<CatalogueLetter> History, bool IsHere)
    {
        /// <summary>The outcomes of the replays of these letters, by the letter's key.</summary>
        public IReadOnlyDictionary<long, FollowedReplay> Replays { get; init; } = new Dictionary<long, FollowedReplay>();

        /// <summary>Whether an outcome may change while the page is open, and the page can follow it without reading the queue.</summary>
        public bool IsOpen => Stored.Letter is not null && Replays.Values.Any(replay => replay.Message.Outcome is not (Outcome.Handled or Outcome.FailedAgain or Outcome.Skipped));

        /// <summary>Whether the letter can be read from its queue.</summary>
        public bool IsReadable => IsHere && Stored.Entry.State == LetterState.There;

        public DeadLetterQueue QueueOf() => new(
            Stored.Entry.Queue, Queue?.Messages ?? Queue?.Letters ?? 0, Queue?.InputQueue ?? Stored.Entry.Queue,
            Stored.Entry.Queue.EndsWith(DiscardedSuffix, StringComparison.Ordinal), null);
    }
}
