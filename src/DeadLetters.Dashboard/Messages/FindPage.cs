using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>Where a message is now, by its id.</summary>
internal static class FindPage
{
    public static async Task<IResult> FindAsync(PageContext page)
    {
        if (page.Value("id") is not { } id)
            return page.Page<Find, FindModel>("Find", new FindModel(null, null, [], [], []));
        var (places, notLookedInto) = await page.Broker.SearchAsync(id, page.By, page.Aborted);
        var acts = await page.Broker.Audit.ReadAsync(null, int.MaxValue, page.Aborted);
        var normal = Guid.TryParse(id, out var guid) ? guid.ToString() : id;
        return page.Page<Find, FindModel>($"Find {id}", new FindModel(
            id, await page.Broker.DescribeAsync(id, page.Aborted), places, notLookedInto,
            [.. acts.Where(act => act.Verb != "reveal" && act.Messages.Contains(normal, StringComparer.OrdinalIgnoreCase)).Take(20)]));
    }
}

/// <param name="Id">What is looked for; null: nothing yet.</param>
/// <param name="Known">What the application knows of it.</param>
/// <param name="Places">Where it stands.</param>
/// <param name="NotSearched">Queues where a look has its price, or somebody is at work.</param>
/// <param name="Acts">What was done to it, the newest first.</param>
internal sealed record FindModel(string? Id, string? Known, IReadOnlyList<FoundMessage> Places, IReadOnlyList<DeadLetterQueue> NotSearched, IReadOnlyList<AuditEntry> Acts);
