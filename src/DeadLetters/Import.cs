namespace WorkinIt.DeadLetters;

/// <summary>An import.</summary>
public sealed record ImportRequest
{
    /// <summary>The queue; null: the one that the file names.</summary>
    public string? Queue { get; init; }

    /// <summary>The person.</summary>
    public required string By { get; init; }

    /// <summary>Whether only to count.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What an import did.</summary>
/// <param name="Id">The operation's id; empty of a dry run.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Selected">How many the file holds.</param>
/// <param name="Done">How many were put into the queue (of a dry run: would be).</param>
/// <param name="Present">How many were in it already.</param>
/// <param name="Refused">Those that the broker did not take.</param>
/// <param name="Stopped">Why it ended before its time; null when it did not.</param>
public sealed record ImportResult(string Id, string Queue, long Selected, long Done, long Present, IReadOnlyList<Refusal> Refused, string? Stopped)
{
    /// <summary>Whether all that the file holds is in the queue.</summary>
    public bool AllAsAsked => Stopped is null && Refused.Count == 0;
}

/// <summary>An import while it runs.</summary>
internal sealed class ImportRun(string id, string queue, long total, IProgress<OperationProgress>? progress)
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
            if (_messages.Count < AuditEntry.NamedMessages)
                _messages.Add(messageId ?? name);
            Report();
        }
    }

    public ImportResult Result(string? stopped) => new(id, queue, total, Done, _present, _refused, stopped);

    private void Report() => progress?.Report(new OperationProgress(Done + _present + _refused.Count, total, Done, _refused.Count, 0, false));
}
