using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>Finds the letter of a page: in the catalogue, otherwise in its queue.</summary>
internal static class LetterSource
{
    private const string DiscardedSuffix = "_discarded";

    /// <summary>What the catalogue has; null if it does not have the letter, can't be read, or does not exist.</summary>
    public static async Task<Found?> InCatalogueAsync(PageContext page)
    {
        if (page.Catalogue is not { } catalogue)
            return null;
        try
        {
            var (source, queue, id) = (page.Http.Request.Query["source"].ToString() is { Length: > 0 } named ? named : page.Source, page.Queue, page.Route("id"));
            return await catalogue.ReadAsync(
                async (reader, token) => await reader.FindAsync(source, queue, id, token) is { } stored
                    ? new Found(
                        stored, (await reader.SharedQueuesAsync(token)).Queues.FirstOrDefault(known => known.Source == source && known.Name == queue),
                        stored.Entry.MessageId is { } message ? await reader.HistoryAsync(source, message, token) : [], source == page.Source)
                    : null,
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
    /// <param name="IsHere">Whether its queue is in the virtual host that this application acts on.</param>
    internal sealed record Found(StoredLetter Stored, CatalogueQueue? Queue, IReadOnlyList<CatalogueLetter> History, bool IsHere)
    {
        /// <summary>Whether the letter can be read from its queue.</summary>
        public bool IsReadable => IsHere && Stored.Entry.State == LetterState.There;

        public DeadLetterQueue QueueOf() => new(
            Stored.Entry.Queue, Queue?.Messages ?? Queue?.Letters ?? 0, Queue?.InputQueue ?? Stored.Entry.Queue,
            Stored.Entry.Queue.EndsWith(DiscardedSuffix, StringComparison.Ordinal), null);
    }
}
