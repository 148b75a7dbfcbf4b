using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Audit;

/// <summary>Shows who did what, and when.</summary>
internal static class AuditPage
{
    private const int Newest = 200;

    public static Task<IResult> ShowAsync(PageContext page) => ShowAsync(page, revealed: null);

    /// <summary>Shows an edit's messages in full, once, after writing that to the audit log.</summary>
    public static async Task<IResult> RevealAsync(PageContext page)
    {
        var entry = (await page.Sources.Default.Client.Audit.ReadAsync(null, int.MaxValue, page.Aborted)).FirstOrDefault(entry => entry.Id == page.Route("entry"));
        if (entry?.Original is null)
            return page.Problem(StatusCodes.Status404NotFound, "Edit not found", "The audit log has no edit with that id.");
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
        return await ShowAsync(page, entry.Id);
    }

    /// <summary>The source of an entry. One without a source was written while there was one, or by the command: its queue is taken for one of the default source.</summary>
    public static string SourceOf(PageContext page, AuditEntry entry) => entry.Source ?? page.Sources.Default.Name;

    private static async Task<IResult> ShowAsync(PageContext page, string? revealed)
    {
        var queue = page.Value("queue");
        if (queue is not null)
            page.ActOn(page.Value("source"));
        var isOne = queue is null || (page.Sources.Count == 1 && page.At is not null);
        var entries = await page.Sources.Default.Client.Audit.ReadAsync(queue, isOne ? Newest : int.MaxValue, page.Aborted);
        if (!isOne)
            entries = [.. entries.Where(entry => SourceOf(page, entry) == page.Source).Take(Newest)];
        return page.Page<AuditTable, AuditModel>("Audit", new AuditModel(queue, entries, revealed));
    }
}

/// <param name="Queue">The queue whose entries are shown; null: all queues.</param>
/// <param name="Entries">The entries, newest first.</param>
/// <param name="Revealed">The entry whose messages are shown in full.</param>
internal sealed record AuditModel(string? Queue, IReadOnlyList<AuditEntry> Entries, string? Revealed)
{
    public string Shown(AuditEntry entry, string message) => entry.Id == Revealed ? message : Masking.Json(message);
}
