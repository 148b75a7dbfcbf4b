using System.Data.Common;
using WorkinIt.Contracts;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;

namespace WorkinIt.DeliveryAdvice;

/// <summary>What the delivery ledger knows of dead letters: already sent, held, being sent, and what became of a replay.</summary>
/// <param name="ledger">The ledger.</param>
/// <param name="notice">Notifies Web of what an operator decided.</param>
public sealed class DeliveryAdvisor(DeliveryLedger ledger, StatusNotice notice) : IReplayAdvisor
{
    private static readonly string _command = $"{typeof(SendGifEmail).Namespace}:{nameof(SendGifEmail)}";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Verdict?>> JudgeAsync(IReadOnlyList<DeadLetter> letters, bool sendAgain, CancellationToken cancellationToken) =>
        Ask(() => letters.Select(letter => SubmissionOf(letter) is { } id ? Judge(ledger.Find(id), sendAgain) : null));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Outcome?>> OutcomesAsync(IReadOnlyList<Replayed> replayed, CancellationToken cancellationToken) =>
        Ask(() => replayed.Select(message => message.Verdict.Note is int attempts && Guid.TryParse(message.MessageId, out var id) ? OutcomeOf(ledger.Find(id), attempts) : null));

    /// <inheritdoc/>
    public async Task<string?> WasDoneAsync(DeadLetter letter, string by, CancellationToken cancellationToken)
    {
        if (SubmissionOf(letter) is not { } id)
            return "it is no SendGifEmail: the ledger knows nothing of it";
        try
        {
            await ledger.ConfirmSentAsync(id, by, cancellationToken);
            if (ledger.Find(id) is not { State: DeliveryState.Sent } sent)
                return "the ledger says that it was not sent: only what is held can be said to have arrived";
            await notice.PublishAsync(
                [new GifEmailSent(id, sent.Attempt, sent.SentAt!.Value, sent.Gif ?? "")],
                "The ledger says “sent” now, but submission-status could not be told: look at the broker, and discard it as sent once more",
                cancellationToken);
            return null;
        }
        catch (DbException e)
        {
            throw OutOfReach(e);
        }
    }

    /// <inheritdoc/>
    public Task DiscardedAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) =>
        NotifyAsync(letters, (id, now) => new GifEmailDiscarded(id, now), "Check the broker and its queue submission-status. To update their pages, restore the messages and discard them again", cancellationToken);

    /// <inheritdoc/>
    public Task RestoredAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) =>
        NotifyAsync(letters, (id, now) => new GifEmailRestored(id, now), "Check the broker and its queue submission-status. Their pages change when the messages are replayed", cancellationToken);

    /// <inheritdoc/>
    public Task<string?> DescribeAsync(string messageId, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(Guid.TryParse(messageId, out var id) && ledger.Find(id) is { } delivery ? Describe(delivery) : null);
        }
        catch (DbException e)
        {
            throw OutOfReach(e);
        }
    }

    private async Task NotifyAsync<T>(IReadOnlyList<DeadLetter> letters, Func<Guid, DateTimeOffset, T> create, string problem, CancellationToken cancellationToken)
    {
        List<T> events = [.. letters.Select(SubmissionOf).OfType<Guid>().Distinct().Select(id => create(id, DateTimeOffset.UtcNow))];
        if (events.Count > 0)
            await notice.PublishAsync(events, problem, cancellationToken);
    }

    private static string Describe(Delivery delivery) => delivery.State switch
    {
        DeliveryState.Sent => $"It was sent at {delivery.SentAt:u}, at try {delivery.Attempt}: {delivery.Detail}",
        DeliveryState.Sending => $"A consumer took it at {delivery.TakenAt:u}, for try {delivery.Attempt}; its lease ends at {delivery.LeaseUntil:u}",
        DeliveryState.Unknown => $"It is held, for it may have arrived: {delivery.Detail}",
        DeliveryState.Blocked => $"It was not sent: at try {delivery.Attempt} its recipient did not want to be mailed",
        _ => $"It is not sent yet, after {delivery.Attempt} tries; the last one: {delivery.Detail}",
    };

    // Of a dead letter that says nothing of its type, the id alone tells: nobody else's is in the ledger.
    private static Guid? SubmissionOf(DeadLetter letter) =>
        (letter.MessageTypes.Count == 0 || letter.MessageTypes.Contains(_command)) && Guid.TryParse(letter.MessageId, out var id) ? id : null;

    private Verdict Judge(Delivery? delivery, bool sendAgain)
    {
        if (delivery is null)
            return Verdict.Good with { Note = 0 };
        var verdict = delivery switch
        {
            { State: DeliveryState.Sent } => new Verdict(VerdictKind.Warning, $"already sent at {delivery.SentAt:u}: nothing is sent again, only its page learns of it"),
            { State: DeliveryState.Sending } when ledger.IsLeased(delivery) => new Verdict(VerdictKind.Warning, $"a consumer has it in hand until {delivery.LeaseUntil:u}: it waits for that one"),
            { State: DeliveryState.Unknown or DeliveryState.Sending } when sendAgain => new Verdict(VerdictKind.Warning, "held, for it may have arrived: it is sent again at your word"),
            { State: DeliveryState.Unknown or DeliveryState.Sending } => new Verdict(VerdictKind.Refused, $"held, for it may have arrived ({delivery.Detail ?? "its consumer is gone"}): “send again” if it did not, discard it as sent if it did"),
            _ => Verdict.Good,
        };
        return verdict with { Note = delivery.Attempt };
    }

    private static Outcome? OutcomeOf(Delivery? delivery, int attemptsBefore) => delivery switch
    {
        { State: DeliveryState.Sent } => Outcome.Handled,
        { State: DeliveryState.Blocked } when delivery.Attempt > attemptsBefore => Outcome.Handled,
        { State: DeliveryState.NotSent } when delivery.Attempt > attemptsBefore => Outcome.Delayed,
        _ => null,
    };

    private static Task<IReadOnlyList<T>> Ask<T>(Func<IEnumerable<T>> questions)
    {
        try
        {
            return Task.FromResult<IReadOnlyList<T>>([.. questions()]);
        }
        catch (DbException e)
        {
            throw OutOfReach(e);
        }
    }

    private static DeadLetterException OutOfReach(DbException e) =>
        new(DeadLetterProblem.OutOfReach, $"The delivery ledger does not answer ({e.GetType().Name}): check ConnectionStrings__Deliveries and the database. Without it nobody knows what was sent", e);
}
