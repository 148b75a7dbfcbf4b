using System.Text;

namespace WorkinIt.DeadLetters;

/// <content>What puts exported dead letters back.</content>
public sealed partial class DeadLetterClient
{
    /// <summary>
    /// Puts exported dead letters at the end of the queue that they came from, as they were: headers with their types, body byte for byte. What is
    /// in the queue already is left out, so that an import that was cut off can be run again.
    /// </summary>
    /// <param name="request">Where to.</param>
    /// <param name="file">What <see cref="ExportAsync"/> wrote; read twice, so it must be seekable.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it between two messages.</param>
    /// <exception cref="DeadLetterException">A line can't be read: then nothing was put into the queue.</exception>
    public async Task<ImportResult> ImportAsync(ImportRequest request, Stream file, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        var (total, queue) = await CheckAsync(request, file, cancellationToken);
        var present = await CountAsync(queue, request.By, cancellationToken);
        if (request.DryRun)
        {
            var (isNew, known) = (0L, 0L);
            await foreach (var letter in ReadAsync(file, cancellationToken))
                _ = IsPresent(present, letter, Importable(queue, letter)) ? known++ : isNew++;
            return new ImportResult("", queue, total, isNew, known, [], null);
        }
        var entry = Begin(new OperationRequest { Queue = queue, Filter = DeadLetterFilter.All, By = request.By }, "import");
        await _audit.WriteAsync(entry, cancellationToken);
        var run = new ImportRun(entry.Id, queue, total, progress);
        string? stopped = null;
        try
        {
            await using var publisher = await Publisher.OpenAsync(_options, $"dead letters: import to {queue}", onBlocked: () => { }, cancellationToken);
            await foreach (var letter in ReadAsync(file, cancellationToken))
            {
                var properties = Importable(queue, letter);
                if (IsPresent(present, letter, properties))
                    run.Skip();
                else
                    await run.PutAsync(letter, await publisher.SendAsync("", queue, properties, letter.Body, cancellationToken), _options.Outstanding);
            }
            await run.SettleAsync(0);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = "It was cancelled: run it again for the rest";
            await run.SettleAsync(0);
        }
        catch (Exception e)
        {
            stopped = Why(e);
            throw;
        }
        finally
        {
            await _audit.WriteAsync(entry with
            {
                EndedAt = _time.GetUtcNow(),
                Selected = total,
                Done = run.Done,
                Refused = run.Refused.Count,
                Problem = stopped ?? "",
                Messages = run.Messages,
            }, CancellationToken.None);
        }
        return run.Result(stopped);
    }

    // All of it before anything is moved: a file that is cut, or another one by mistake, leaves no half of itself in a queue.
    private static async Task<(long Total, string Queue)> CheckAsync(ImportRequest request, Stream file, CancellationToken cancellationToken)
    {
        var total = 0L;
        var queues = new HashSet<string>();
        await foreach (var letter in ReadAsync(file, cancellationToken))
        {
            total++;
            queues.Add(request.Queue ?? letter.Queue ?? throw new DeadLetterException(DeadLetterProblem.Refused, $"Line {total} names no queue: give the queue (--queue)"));
        }
        return queues.Count switch
        {
            0 => throw new DeadLetterException(DeadLetterProblem.Refused, "The file holds no dead letter"),
            1 => (total, queues.Single()),
            _ => throw new DeadLetterException(DeadLetterProblem.Refused, $"The file names several queues ({string.Join(", ", queues.Order(StringComparer.Ordinal))}): give one (--queue)"),
        };
    }

    private static async IAsyncEnumerable<ExportedLetter> ReadAsync(Stream file, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        file.Position = 0;
        using var reader = new StreamReader(file, new UTF8Encoding(false), leaveOpen: true);
        for (var number = 1; await reader.ReadLineAsync(cancellationToken) is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            ExportedLetter letter;
            try
            {
                letter = DeadLetterJson.Read(Encoding.UTF8.GetBytes(line));
            }
            catch (FormatException e)
            {
                throw new DeadLetterException(DeadLetterProblem.Refused, $"Line {number} can't be imported: {e.Message}. Nothing was imported", e);
            }
            yield return letter;
        }
    }

    private static RabbitMQ.Client.BasicProperties Importable(string queue, ExportedLetter letter) =>
        MovedProperties.Of(new DeadLetter(queue, 0, 0, letter.Properties, letter.Body, 0), header => !Headers.IsCount(header));

    private async Task<Dictionary<ulong, int>> CountAsync(string queue, string by, CancellationToken cancellationToken)
    {
        var present = new Dictionary<ulong, int>();
        await LookAsync(queue, "import", by, long.MaxValue, letter =>
        {
            present[letter.Hash] = present.GetValueOrDefault(letter.Hash) + 1;
            return true;
        }, null, cancellationToken);
        return present;
    }

    // As it was exported, or as an import puts it: some properties get another name on the way.
    private static bool IsPresent(Dictionary<ulong, int> present, ExportedLetter letter, RabbitMQ.Client.BasicProperties properties)
    {
        foreach (var hash in new[] { DeadLetterJson.HashOf(letter.Properties, letter.Body), DeadLetterJson.HashOf(properties, letter.Body) })
        {
            if (present.GetValueOrDefault(hash) is > 0 and var count)
            {
                present[hash] = count - 1;
                return true;
            }
        }
        return false;
    }
}
