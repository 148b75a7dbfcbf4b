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
        var entry = (await page.Broker.Audit.ReadAsync(null, int.MaxValue, page.Aborted)).FirstOrDefault(entry => entry.Id == page.Route("entry"));
        if (entry?.Original is null)
            return page.Problem(StatusCodes.Status404NotFound, "Edit not found", "The audit log has no edit with that id.");
        var now = page.Time.GetUtcNow();
        await page.Broker.Audit.WriteAsync(
            new AuditEntry
            {
                Id = Guid.CreateVersion7(now).ToString("N"),
                At = now,
                EndedAt = now,
                By = page.By,
                Verb = "reveal",
                Queue = entry.Queue,
                Filter = $"edit {entry.Id}",
                Selected = 1,
                Done = 1,
                Messages = entry.Messages,
            },
            page.Aborted);
        return await ShowAsync(page, entry.Id);
    }

    private static async Task<IResult> ShowAsync(PageContext page, string? revealed)
    {
        var queue = page.Value("queue");
        var entries = await page.Broker.Audit.ReadAsync(queue, Newest, page.Aborted);
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
