using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>Exports dead letters.</summary>
internal sealed class Exporter(DeadLetterServices services, QueueReader reader, AuditedOperations audited)
{
    /// <summary>Exports dead letters as JSON Lines, one object per line, complete and unmasked. The audit log records the export.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="output">The stream to write to.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>How many messages were exported.</returns>
    public async Task<long> ExportAsync(OperationRequest request, Stream output, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        long count = 0;
        var entry = audited.Begin(request, "export");
        await services.Audit.WriteAsync(entry, cancellationToken);
        var problem = "";
        try
        {
            await reader.ReadAsync(request.Queue, "export", request.By, long.MaxValue, letter =>
            {
                if (!request.Filter.Matches(letter))
                    return true;
                using (var writer = new Utf8JsonWriter(output))
                    letter.Write(writer);
                output.WriteByte((byte)'\n');
                count++;
                return true;
            }, progress, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
        catch (Exception e)
        {
            problem = AuditedOperations.Why(e);
            throw;
        }
        finally
        {
            await services.Audit.WriteAsync(entry with { EndedAt = services.Time.GetUtcNow(), Selected = count, Done = count, Problem = problem }, CancellationToken.None);
        }
        return count;
    }
}
