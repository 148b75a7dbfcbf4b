namespace WorkinIt.DeadLetters;

/// <summary>Reads the keys of a replay in order, before anything is moved.</summary>
internal sealed class OrderPlan
{
    private readonly ReplayRequest _request;

    private OrderPlan(ReplayRequest request) => (_request, Keys) = (request, new KeyOrder(request.InOrderBy!));

    public KeyOrder Keys { get; }

    /// <summary>Null if the replay has no order.</summary>
    public static OrderPlan? Of(ReplayRequest request) => request.InOrderBy is null ? null : new OrderPlan(request);

    /// <summary>Refuses a replay that waits for no outcome, and so can't keep an order.</summary>
    /// <exception cref="DeadLetterException">It waits for none.</exception>
    public static void Guard(ReplayRequest request)
    {
        if (request.InOrderBy is not null && request.Wait == TimeSpan.Zero)
            throw new DeadLetterException(DeadLetterProblem.Refused, "A replay in order waits for outcomes: set a wait of more than 0");
    }

    /// <summary>Refuses a replay whose outcomes can't be received.</summary>
    /// <param name="problem">Why reports can't be received; null if they can.</param>
    /// <param name="isAdvised">Whether the application has an advisor, which may know the outcomes.</param>
    /// <exception cref="DeadLetterException">They can't be received.</exception>
    public void GuardReports(string? problem, bool isAdvised)
    {
        if (problem is not null && !isAdvised)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"The order by {Keys.Field} needs the outcome of each message. {problem}");
    }

    /// <summary>Reads all letters of the queue, up to the last selected one.</summary>
    public async Task ReadAsync(QueueSession session, DeadLetterOptions options, long total, CancellationToken cancellationToken)
    {
        await new Mover(session, options, null) { Total = total, Ids = SelectedIds.Of(_request.Filter) }.RunAsync(
            window =>
            {
                Read(window);
                return Task.FromResult<IReadOnlyList<Decision>>([.. window.Select(_ => Decision.Left)]);
            }, null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        Keys.Complete();
    }

    /// <summary>Reads the next letters of the queue.</summary>
    public void Read(IEnumerable<DeadLetter> window)
    {
        foreach (var letter in window)
            Keys.Add(letter, _request.Filter.Matches(letter));
    }

    /// <summary>For the dry run: moves the messages that would be held back, because of refused ones, from one list to the other.</summary>
    public void HoldBack(List<Replayed> replayed, List<Refusal> refused)
    {
        Keys.Complete();
        foreach (var refusal in refused)
            Keys.Refused(refusal.Id);
        var held = Keys.Held.ToDictionary(letter => letter.Id);
        replayed.RemoveAll(message => held.ContainsKey(message.Id));
        refused.AddRange(held.Values.Select(letter => new Refusal(letter.Id, letter.MessageId, letter.Why) { IsHeldBack = true }));
    }
}
