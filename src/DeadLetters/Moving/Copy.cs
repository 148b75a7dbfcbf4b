namespace WorkinIt.DeadLetters;

/// <summary>The parameters of a copy: each selected dead letter stays where it is, and a copy of it goes to another queue, such as one of a sandbox.</summary>
public sealed record CopyRequest : OperationRequest
{
    /// <summary>The queue for the copies. It must exist, and is published to directly, so no other queue gets a copy.</summary>
    public required string To { get; init; }

    /// <summary>The virtual host of that queue; null: the client's, or that of <see cref="Broker"/>.</summary>
    public string? VirtualHost { get; init; }

    /// <summary>The broker of that queue; null: the client's. The management API of another broker is not used, so limits of its queues are not checked.</summary>
    public DeadLetterOptions? Broker { get; init; }

    /// <summary>Whether to remove the response address from the copies of requests.</summary>
    public bool WithoutResponse { get; init; }
}

/// <summary>The copies of one operation: those that wait for their confirms, and the results of the others.</summary>
/// <param name="to">The queue.</param>
/// <param name="publisher">Publishes them; null for a dry run.</param>
/// <param name="most">How many may wait at once.</param>
internal sealed class CopyRun(string to, Publisher? publisher, int most)
{
    private readonly Queue<(DeadLetter Letter, Replayed Copy, Task<string?> Confirm)> _outstanding = new();
    private readonly List<Replayed> _copies = [];
    private readonly List<Refusal> _refused = [];
    private readonly List<Doubt> _doubts = [];

    /// <summary>The copies that the broker has confirmed; in a dry run, those that would be made.</summary>
    public IReadOnlyList<Replayed> Copies => _copies;

    public IReadOnlyList<Refusal> Refused => _refused;

    /// <summary>The copies that were published and never confirmed.</summary>
    public IReadOnlyList<Doubt> Doubts => _doubts;

    /// <summary>The number of the next copy, from 1.</summary>
    public int Next => _copies.Count + _outstanding.Count + 1;

    public long Selected => _copies.Count + _refused.Count + _doubts.Count;

    public IReadOnlyList<string> Messages => [.. _copies.Take(AuditEntry.NamedMessages).Select(copy => copy.MessageId ?? copy.Id)];

    public void Refuse(DeadLetter letter, string why) => _refused.Add(new Refusal(letter.Id, letter.MessageId, why));

    /// <summary>Publishes a copy, and waits for the oldest confirm if too many are missing.</summary>
    /// <exception cref="DeadLetterException">The connection was lost, or the broker accepts no messages.</exception>
    public async Task PutAsync(DeadLetter letter, Replayed copy, RabbitMQ.Client.BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        if (publisher is null)
        {
            _copies.Add(copy);
            return;
        }
        _outstanding.Enqueue((letter, copy, await publisher.SendAsync("", to, properties, body, cancellationToken)));
        await SettleAsync(most);
    }

    /// <summary>Waits for confirms until at most this many are missing.</summary>
    /// <exception cref="DeadLetterException">A copy was never confirmed.</exception>
    public async Task SettleAsync(int left)
    {
        while (_outstanding.Count > left)
        {
            var (letter, copy, confirm) = _outstanding.Dequeue();
            try
            {
                if (await confirm is { } why)
                    Refuse(letter, why);
                else
                    _copies.Add(copy);
            }
            catch (DeadLetterException)
            {
                _doubts.Add(new Doubt(letter.Id, letter.MessageId, null)); // without a stamp: a later replay of the letter has nothing to resolve
                throw;
            }
        }
    }

    /// <summary>Determines the result of each copy that is left. A failure makes it a doubt.</summary>
    public async Task EndAsync()
    {
        while (_outstanding.Count > 0)
        {
            try
            {
                await SettleAsync(0);
            }
            catch (DeadLetterException)
            {
                // Recorded as a doubt.
            }
        }
    }
}
