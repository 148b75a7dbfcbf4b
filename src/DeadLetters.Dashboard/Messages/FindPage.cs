using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>Shows where a message is now, by its id.</summary>
internal static class FindPage
{
    public static async Task<IResult> FindAsync(PageContext page)
    {
        if (page.Value("id") is not { } id)
            return page.Page<Find, FindModel>("Find", new FindModel(null, null, [], [], [], []));
        return page.Page<Find, FindModel>($"Find {id}", await ModelAsync(page, id));
    }

    /// <summary>Searches all sources.</summary>
    public static async Task<FindModel> ModelAsync(PageContext page, string id)
    {
        var answers = await SourceAnswers.AskAsync(page, source => source.Client.SearchAsync(id, page.By, page.Aborted));
        var entries = await page.Sources.Default.Client.Audit.ReadAsync(null, int.MaxValue, page.Aborted);
        var normal = Guid.TryParse(id, out var guid) ? guid.ToString() : id;
        return new FindModel(
            id, await page.Sources.Default.Client.DescribeAsync(id, page.Aborted),
            [.. answers.SelectMany(answer => (answer.Answer?.Places ?? []).Select(place => (answer.Source.Name, place)))],
            [.. answers.SelectMany(answer => (answer.Answer?.NotSearched ?? []).Select(queue => answer.Source.Place(queue.Name)))],
            [.. answers.Where(answer => answer.Problem is not null).Select(answer => $"{answer.Source.Name}: {answer.Problem}")],
            [.. entries.Where(entry => entry.Verb != "reveal" && entry.Messages.Contains(normal, StringComparer.OrdinalIgnoreCase)).Take(20)]);
    }
}

/// <param name="Id">The id to search for; null: none was entered.</param>
/// <param name="Known">What the application reports about the message; null: nothing.</param>
/// <param name="Places">Where the message was found: the name of the source, and the place.</param>
/// <param name="NotSearched">Queues that were not searched, because viewing has a cost or another operation is running.</param>
/// <param name="Problems">The sources that were not searched, and why.</param>
/// <param name="Acts">Operations on the message, newest first.</param>
internal sealed record FindModel(
    string? Id, string? Known, IReadOnlyList<(string Source, FoundMessage Place)> Places, IReadOnlyList<string> NotSearched, IReadOnlyList<string> Problems, IReadOnlyList<AuditEntry> Acts);
