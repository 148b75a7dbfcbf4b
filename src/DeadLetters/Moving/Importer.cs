using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>Imports exported dead letters.</summary>
internal sealed class Importer(DeadLetterServices services, QueueReader reader, AuditedOperations audited)
{
    /// <summary>
    /// Adds exported dead letters to the end of the queue that they came from, as they were: headers with their types, body byte for byte.
    /// Messages that are already in the queue are skipped, so an interrupted import can be run again.
    /// </summary>
    /// <param name="request">The queue to import to, and whether this is a dry run.</param>
    /// <param name="file">The output of <see cref="Exporter.ExportAsync"/>; must be seekable, because it is read twice.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    /// <exception cref="DeadLetterException">A line can't be read; in this case, nothing was imported.</exception>
    public async Task<ImportResult> ImportAsync(ImportRequest request, Stream file, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        var (total, queue) = await CheckAsync(request, file, cancellationToken);
        var present = await CountAsync(queue, request.By, cancellationToken);
        if (request.DryRun)
        {
            var discarded = await DiscardedAsync(queue, request.By, cancellationToken);
            var (isNew, known, alsoDiscarded) = (0L, 0L, 0L);
            await foreach (var letter in ReadAsync(file, cancellationToken))
            {
                var isKnown = IsPresent(present, letter, Importable(queue, letter));
                _ = isKnown ? known++ : isNew++;
                if (!isKnown && discarded?.Contains(letter.Properties.MessageId ?? IdOf(letter)) == true)
                    alsoDiscarded++;
            }
            return new ImportResult("", queue, total, isNew, known, [], null) { AlsoDiscarded = discarded is null ? null : alsoDiscarded };
        }
        var entry = audited.Begin(new OperationRequest { Queue = queue, Filter = DeadLetterFilter.All, By = request.By }, "import");
        await services.Audit.WriteAsync(entry, cancellationToken);
        await using var notices = new FeedNotices(services.Options, entry);
        var (run, stopped) = (new ImportRun(entry.Id, queue, total, progress, notices), (string?)null);
        try
        {
            await PutAllAsync(run, queue, file, present, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = "Cancelled: run the import again for the rest";
        }
        catch (Exception e)
        {
            stopped = AuditedOperations.Why(e);
            throw;
        }
        finally
        {
            await services.Audit.WriteAsync(entry with
            {
                EndedAt = services.Time.GetUtcNow(),
                Selected = total,
                Done = run.Done,
                Refused = run.Refused.Count,
                Problem = stopped ?? "",
                Messages = run.Messages,
            }, CancellationToken.None);
        }
        return run.Result(stopped);
    }

    private async Task PutAllAsync(ImportRun run, string queue, Stream file, Dictionary<ulong, int> present, CancellationToken cancellationToken)
    {
        await using var publisher = await Publisher.OpenAsync(services.Options, $"dead letters: import to {queue}", onBlocked: () => { }, cancellationToken);
        try
        {
            await foreach (var letter in ReadAsync(file, cancellationToken))
            {
                var properties = Importable(queue, letter);
                if (IsPresent(present, letter, properties))
                    run.Skip();
                else
                    await run.PutAsync(letter, await publisher.SendAsync("", queue, properties, letter.Body, cancellationToken), services.Options.Outstanding);
            }
        }
        finally
        {
            await run.SettleAsync(0); // while the publisher is open, also after a cancel
        }
    }

    // Check the complete file before importing, so that a cut or wrong file is not imported in part.
    private static async Task<(long Total, string Queue)> CheckAsync(ImportRequest request, Stream file, CancellationToken cancellationToken)
    {
        var total = 0L;
        var queues = new HashSet<string>();
        await foreach (var letter in ReadAsync(file, cancellationToken))
        {
            total++;
            queues.Add(request.Queue ?? letter.Queue ?? throw new DeadLetterException(DeadLetterProblem.Refused, $"Line {total} has no queue: set one with --queue"));
        }
        return queues.Count switch
        {
            0 => throw new DeadLetterException(DeadLetterProblem.Refused, "The file contains no dead letters"),
            1 => (total, queues.Single()),
            _ => throw new DeadLetterException(DeadLetterProblem.Refused, $"The file has dead letters of several queues ({string.Join(", ", queues.Order(StringComparer.Ordinal))}): set one with --queue"),
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
        await reader.ReadAsync(queue, "import", by, long.MaxValue, letter =>
        {
            present[letter.Hash] = present.GetValueOrDefault(letter.Hash) + 1;
            return true;
        }, null, cancellationToken);
        return present;
    }

    // By MessageId, or by the dead letter's id if it has none. Null if the queue can't be read.
    private async Task<HashSet<string>?> DiscardedAsync(string queue, string by, CancellationToken cancellationToken)
    {
        var discarded = new HashSet<string>();
        try
        {
            await reader.ReadAsync(BrokerNames.Of("", services.InputQueueOf(queue), "_discarded"), "import", by, long.MaxValue, letter =>
            {
                discarded.Add(letter.MessageId ?? letter.Id);
                return true;
            }, null, cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            // Nothing was discarded from this queue yet.
        }
        catch (DeadLetterException e) when (e.Problem is DeadLetterProblem.Refused or DeadLetterProblem.Locked or DeadLetterProblem.Forbidden)
        {
            return null;
        }
        return discarded;
    }

    private static string IdOf(ExportedLetter letter) => DeadLetterJson.HashOf(letter.Properties, letter.Body).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    // Compare both with the exported form and with the imported form: an import moves some properties to other names.
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
