using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Queues;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.Audit;

/// <summary>Shows who did what, and when.</summary>
internal static class AuditPage
{
    public const int PageLength = 200;

    public static Task<IResult> ShowAsync(PageContext page) => ShowAsync(page, revealed: null);

    /// <summary>Shows an edit's messages in full, once, after writing that to the audit log.</summary>
    public static async Task<IResult> RevealAsync(PageContext page)
    {
        return await RevealedAsync(page) is { } entry ? await ShowAsync(page, entry.Id) : NotFound(page);
    }

    public static IResult NotFound(PageContext page) => page.Problem(StatusCodes.Status404NotFound, "Edit not found", "The audit log has no edit with that id.");

    /// <summary>Finds an edit whose messages are to be shown in full, and writes that to the audit log.</summary>
    /// <returns>Its entry; null if there is no such edit.</returns>
    public static async Task<AuditEntry?> RevealedAsync(PageContext page)
    {
        var entry = await page.Sources.Default.Client.Audit.FindAsync(page.Route("entry"), page.Aborted);
        if (entry?.Original is null)
            return null;
        var now = page.Time.GetUtcNow();
        await page.Sources.Default.Client.Audit.WriteAsync(
            new AuditEntry
            {
                Id = Guid.CreateVersion7(now).ToString("N"),
                At = now,
                EndedAt = now,
                By = page.By,
                Verb = "reveal",
                Queue = entry.Queue,
                Source = entry.Source,
                Filter = $"edit {entry.Id}",
                Selected = 1,
                Done = 1,
                Messages = entry.Messages,
            },
            page.Aborted);
        return entry;
    }

    /// <summary>The source of an entry. One without a source was written while there was one, or by the command: its queue is taken for one of the default source.</summary>
    public static string SourceOf(PageContext page, AuditEntry entry) => entry.Source ?? page.Sources.Default.Name;

    private static async Task<IResult> ShowAsync(PageContext page, string? revealed)
    {
        var (queue, before) = (page.Value("queue"), page.Value("before"));
        return page.Page<AuditTable, AuditModel>("Audit", await ModelAsync(page, queue, before, revealed));
    }

    /// <summary>A page of the audit log.</summary>
    /// <param name="page">The request.</param>
    /// <param name="queue">The queue; null: all queues.</param>
    /// <param name="before">The id of the last entry of the page before; null: the first page.</param>
    /// <param name="revealed">The entry whose messages are shown in full.</param>
    public static async Task<AuditModel> ModelAsync(PageContext page, string? queue, string? before, string? revealed)
    {
        if (queue is not null)
            page.ActOn(page.Value("source"));
        var isOne = queue is null || (page.Sources.Count == 1 && page.At is not null);
        var entries = await ReadAsync(page, queue, before, isOne ? _ => true : entry => SourceOf(page, entry) == page.Source);
        var unended = OtherInstances.OfAudit(page, [.. entries.Where(entry => entry.EndedAt is null).Select(entry => entry.Id)]);
        return new AuditModel(queue, before, entries, revealed, unended, page.Time.GetUtcNow());
    }

    // The log does not know sources, so queues with the same name in several are told apart here.
    private static async Task<IReadOnlyList<AuditEntry>> ReadAsync(PageContext page, string? queue, string? before, Func<AuditEntry, bool> isOfSource)
    {
        var audit = page.Sources.Default.Client.Audit;
        var entries = new List<AuditEntry>();
        while (true)
        {
            var next = before is null
                ? await audit.ReadAsync(queue, PageLength, page.Aborted)
                : await audit.ReadBeforeAsync(queue, before, PageLength, page.Aborted);
            entries.AddRange(next.Where(isOfSource));
            if (next.Count < PageLength || entries.Count >= PageLength)
                return [.. entries.Take(PageLength)];
            before = next[^1].Id;
        }
    }
}

/// <param name="Queue">The queue whose entries are shown; null: all queues.</param>
/// <param name="Before">The id of the last entry of the page before; null on the first page.</param>
/// <param name="Entries">The entries, newest first.</param>
/// <param name="Revealed">The entry whose messages are shown in full.</param>
/// <param name="Unended">What the catalogue knows about entries without an end, by their ids.</param>
/// <param name="Now">The time.</param>
internal sealed record AuditModel(
    string? Queue, string? Before, IReadOnlyList<AuditEntry> Entries, string? Revealed, IReadOnlyDictionary<string, SharedOperation> Unended, DateTimeOffset Now)
{
    /// <summary>Whether there may be older entries.</summary>
    public bool HasMore => Entries.Count == AuditPage.PageLength;

    /// <summary>What an entry says about its end.</summary>
    public string Result(AuditEntry entry) =>
        entry.EndedAt is null ? Unended.GetValueOrDefault(entry.Id)?.State(Now) ?? "not known: still running, or interrupted"
        : entry.Verb == "reveal" ? ""
        : $"{Format.Number(entry.Selected)} selected, {Format.Number(entry.Done)} done, {Format.Number(entry.Refused)} refused{(entry.Results.Length > 0 ? $": {entry.Results}" : "")}";

    public string Shown(AuditEntry entry, string message) => entry.Id == Revealed ? message : Masking.Json(message);
}
