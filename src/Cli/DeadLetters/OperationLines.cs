using System.Data.Common;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>What the catalogue knows about the operations of all instances and commands, for the output of commands.</summary>
internal static class OperationLines
{
    /// <summary>One line for each operation that runs, or was interrupted and not repeated; none without a catalogue.</summary>
    public static async Task<IReadOnlyList<string>> RunningAsync(CommandContext context)
    {
        var now = DateTimeOffset.UtcNow;
        return await ReadAsync<IReadOnlyList<string>>(
            context, log => [.. log.Running().Concat(log.Interrupted()).Select(operation => $"{operation.Title}, by {operation.By}, since {ListCommand.Time(operation.StartedAt)}: {operation.State(now)}.")], []);
    }

    /// <summary>The details of audit entries without an end, by their ids.</summary>
    public static Task<IReadOnlyDictionary<string, SharedOperation>> UnendedAsync(CommandContext context, IReadOnlyList<AuditEntry> entries) => ReadAsync(
        context, log => log.OfAudit([.. entries.Where(entry => entry.EndedAt is null).Select(entry => entry.Id)]), new Dictionary<string, SharedOperation>());

    private static async Task<T> ReadAsync<T>(CommandContext context, Func<OperationLog, T> read, T nothing)
    {
        try
        {
            return await context.Audit.OperationsAsync() is { } log ? read(log) : nothing;
        }
        catch (Exception e) when (e is DbException or CatalogueUnavailableException)
        {
            await Terminal.ErrorAsync($"Whether operations are running is not known: {e.Message}");
            return nothing;
        }
    }
}
