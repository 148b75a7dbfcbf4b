namespace WorkinIt.DeadLetters;

/// <summary>The parameters of an import.</summary>
public sealed record ImportRequest
{
    /// <summary>The queue to import to; null: the queue that the file names.</summary>
    public string? Queue { get; init; }

    /// <summary>The operator.</summary>
    public required string By { get; init; }

    /// <summary>Whether to count only, without importing.</summary>
    public bool DryRun { get; init; }
}

/// <summary>The result of an import.</summary>
/// <param name="Id">The operation's id; empty for a dry run.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Selected">How many dead letters the file contains.</param>
/// <param name="Done">How many were put into the queue (dry run: would be).</param>
/// <param name="Present">How many were in the queue already.</param>
/// <param name="Refused">The dead letters that the broker refused.</param>
/// <param name="Stopped">Why it ended early; null if it completed.</param>
public sealed record ImportResult(string Id, string Queue, long Selected, long Done, long Present, IReadOnlyList<Refusal> Refused, string? Stopped)
{
    /// <summary>
    /// Of a dry run: how many of the dead letters that would be imported are also in the <c>_discarded</c> queue, so that a restore would put them into the
    /// queue a second time; null if that queue could not be read.
    /// </summary>
    public long? AlsoDiscarded { get; init; } = 0;

    /// <summary>Whether every dead letter of the file is in the queue.</summary>
    public bool IsComplete => Stopped is null && Refused.Count == 0;
}

/// <summary>A running import.</summary>
internal sealed class ImportRun(string id, string queue, long total, IProgress<OperationProgress>? progress, FeedNotices notices)
{
    private readonly Queue<(string Name, string? MessageId, Task<string?> Confirm)> _outstanding = new();
    private readonly List<Refusal> _refused = [];
    private readonly List<string> _messages = [];
    private long _present;

    public long Done { get; private set; }

    public IReadOnlyList<Refusal> Refused => _refused;

    public IReadOnlyList<string> Messages => _messages;

    public void Skip()
    {
        _present++;
        Report();
    }

    public async Task PutAsync(ExportedLetter letter, Task<string?> confirm, int outstanding)
    {
        var messageId = letter.Properties.IsMessageIdPresent() ? letter.Properties.MessageId : null;
        var name = DeadLetterJson.HashOf(letter.Properties, letter.Body).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
        _outstanding.Enqueue((name, messageId, confirm));
        await SettleAsync(outstanding);
    }

    public async Task SettleAsync(int most)
    {
        while (_outstanding.Count > most)
        {
            var (name, messageId, confirm) = _outstanding.Dequeue();
            if (await confirm is { } why)
            {
                _refused.Add(new Refusal(name, messageId, why));
                continue;
            }
            Done++;
            notices.Add(name);
            if (_messages.Count < AuditEntry.NamedMessages)
                _messages.Add(messageId ?? name);
            Report();
        }
    }

    public ImportResult Result(string? stopped) => new(id, queue, total, Done, _present, _refused, stopped);

    private void Report() => progress?.Report(new OperationProgress(Done + _present + _refused.Count, total, Done, _refused.Count, 0, false) { OperationId = id });
}
