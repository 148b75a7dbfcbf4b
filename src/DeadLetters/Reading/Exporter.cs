using System.Buffers;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>Exports dead letters.</summary>
internal sealed class Exporter(DeadLetterServices services, QueueReader reader, AuditedOperations audited)
{
    private const int LargestKept = 1024 * 1024; // the buffer of one huge message is not kept for the others

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
            var line = new ArrayBufferWriter<byte>();
            await reader.ReadAsync(request.Queue, "export", request.By, long.MaxValue, async letter =>
            {
                if (!request.Filter.Matches(letter))
                    return true;
                Write(letter, line);
                await output.WriteAsync(line.WrittenMemory, cancellationToken); // a reader that is slow holds no thread
                if (line.Capacity > LargestKept)
                    line = new ArrayBufferWriter<byte>();
                else
                    line.ResetWrittenCount();
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

    private static void Write(DeadLetter letter, ArrayBufferWriter<byte> line)
    {
        using (var writer = new Utf8JsonWriter(line))
            letter.Write(writer);
        line.Write("\n"u8);
    }
}
