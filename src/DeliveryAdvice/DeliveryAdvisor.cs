using System.Data.Common;
using WorkinIt.Contracts;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;

namespace WorkinIt.DeliveryAdvice;

/// <summary>Reports from the delivery ledger which dead letters were already sent, have an unknown outcome or are in flight, and the outcomes of a replay.</summary>
/// <param name="ledger">The ledger.</param>
/// <param name="notice">Notifies Web of an operator's decisions.</param>
public sealed class DeliveryAdvisor(DeliveryLedger ledger, StatusNotice notice) : IReplayAdvisor
{
    private const string OfOtherType = "it is not a SendGifEmail message, so the ledger has no entry for it";
    private const string NotUnknown = "the ledger does not show an unknown outcome: only a message with an unknown outcome can be recorded as sent";

    private static readonly string _command = $"{typeof(SendGifEmail).Namespace}:{nameof(SendGifEmail)}";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Verdict?>> JudgeAsync(IReadOnlyList<DeadLetter> letters, bool sendAgain, CancellationToken cancellationToken) =>
        QueryAsync(() => letters.Select(letter => SubmissionOf(letter) is { } id ? Judge(ledger.Find(id), sendAgain) : null));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Verdict?>> JudgeDiscardAsync(IReadOnlyList<DeadLetter> letters, bool wasDone, CancellationToken cancellationToken) =>
        QueryAsync(() => letters.Select(letter => SubmissionOf(letter) is { } id ? JudgeDiscard(ledger.Find(id), wasDone) : wasDone ? new Verdict(VerdictKind.Refused, OfOtherType) : null));

    /// <inheritdoc/>
    public async Task<Verdict?> JudgeEditAsync(DeadLetter letter, string edited, CancellationToken cancellationToken)
    {
        if (SubmissionOf(letter) is null || SubmissionEdit.Of(letter, edited) is not { } edit)
            return null;
        if (edit.NewId is not { } newId)
            return new Verdict(VerdictKind.Warning, "the edited message has no valid submissionId: it is dead-lettered again");
        // The consumer asks the ledger for the id in the message.
        var before = edit.OldId is { } oldId && await DescribeAsync($"{oldId}", cancellationToken) is { } known ? $" Of the old id: {known}." : "";
        var after = await DescribeAsync($"{newId}", cancellationToken) is { } other ? $" Of the new id: {other}." : " The ledger has no record of the new id.";
        return new Verdict(VerdictKind.Warning, $"the edit changes submissionId, by which the ledger prevents a second mail: the mail is sent even if it was sent with the old id.{before}{after}");
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Outcome?>> OutcomesAsync(IReadOnlyList<Replayed> replayed, CancellationToken cancellationToken) =>
        QueryAsync(() => replayed.Select(message => message.Verdict.Note is int attempts && Guid.TryParse(message.MessageId, out var id) ? OutcomeOf(ledger.Find(id), attempts, message.ReplayId) : null));

    /// <inheritdoc/>
    public async Task<string?> WasDoneAsync(DeadLetter letter, string by, CancellationToken cancellationToken)
    {
        if (SubmissionOf(letter) is not { } id)
            return OfOtherType;
        try
        {
            await ledger.ConfirmSentAsync(id, by, cancellationToken);
            if (ledger.Find(id) is not { State: DeliveryState.Sent } sent)
                return NotUnknown;
            await notice.PublishAsync(
                [new GifEmailSent(id, sent.Attempt, sent.SentAt ?? sent.TakenAt ?? DateTimeOffset.UtcNow, sent.Gif ?? "", ConfirmedByOperator: sent.SentAt is null)],
                "The ledger now records it as sent, but the queue submission-status could not be notified: check the broker, then discard it as sent again",
                cancellationToken);
            return null;
        }
        catch (DbException e)
        {
            throw Unreachable(e);
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
            throw Unreachable(e);
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
        DeliveryState.Sent when delivery.SentAt is null => $"It is recorded as sent, on try {delivery.Attempt}: {delivery.Detail}",
        DeliveryState.Sent => $"It was sent at {delivery.SentAt:u}, on try {delivery.Attempt}: {delivery.Detail}",
        DeliveryState.Sending => $"A consumer took it at {delivery.TakenAt:u} for try {delivery.Attempt}; its lease ends at {delivery.LeaseUntil:u}",
        DeliveryState.Unknown => $"Its outcome is unknown, because it may have been sent: {delivery.Detail}",
        DeliveryState.Blocked => $"It was not sent: on try {delivery.Attempt} its recipient was on the suppression list",
        _ when delivery.WasReleased => $"An earlier try has an unknown outcome, so it may have arrived. Try {delivery.Attempt} did not send it: {delivery.Detail}",
        _ when delivery.IsPutOff => $"It is not sent yet, after {delivery.Attempt} tries. {delivery.Detail}",
        _ => $"It is not sent yet, after {delivery.Attempt} tries. The last try: {delivery.Detail}",
    };

    // A dead letter without a type is identified by its id alone: the ledger holds no ids of other messages.
    private static Guid? SubmissionOf(DeadLetter letter) =>
        (letter.MessageTypes.Count == 0 || letter.MessageTypes.Contains(_command)) && Guid.TryParse(letter.MessageId, out var id) ? id : null;

    private Verdict Judge(Delivery? delivery, bool sendAgain)
    {
        if (delivery is null)
            return Verdict.Good with { Note = 0 };
        var verdict = delivery switch
        {
            { State: DeliveryState.Sent } => new Verdict(VerdictKind.Warning, $"already {(delivery.SentAt is { } at ? $"sent at {at:u}" : "recorded as sent")}: no second mail is sent, only its page is updated"),
            { State: DeliveryState.Sending } when ledger.IsLeased(delivery) => new Verdict(VerdictKind.Warning, $"a consumer is processing it until {delivery.LeaseUntil:u}: it waits for that consumer"),
            { State: DeliveryState.Unknown or DeliveryState.Sending } when sendAgain => new Verdict(VerdictKind.Warning, "outcome unknown: it may have been sent, and is sent again as requested"),
            { State: DeliveryState.Unknown or DeliveryState.Sending } => new Verdict(VerdictKind.Refused, $"outcome unknown: it may have been sent ({delivery.Detail ?? "its consumer no longer exists"}). If it did not arrive, replay it with “send again”; if it did, discard it as sent"),
            { State: DeliveryState.NotSent, WasReleased: true } => new Verdict(VerdictKind.Warning, "an earlier try has an unknown outcome: it may have arrived, and is sent once more"),
            _ => Verdict.Good,
        };
        return verdict with { Note = delivery.Attempt };
    }

    private Verdict JudgeDiscard(Delivery? delivery, bool wasDone)
    {
        var isInFlight = delivery is { State: DeliveryState.Sending } && ledger.IsLeased(delivery);
        var isUnknown = delivery is { State: DeliveryState.Unknown or DeliveryState.Sending } && !isInFlight;
        if (wasDone)
            return isUnknown || delivery is { State: DeliveryState.Sent } ? Verdict.Good : new Verdict(VerdictKind.Refused, NotUnknown);
        return isUnknown ? new Verdict(VerdictKind.Warning, "outcome unknown: the mail may have been delivered. If it was, discard it as sent")
            : isInFlight ? new Verdict(VerdictKind.Warning, $"a consumer is processing it until {delivery!.LeaseUntil:u}: the mail may be sent")
            : delivery is { State: DeliveryState.NotSent, WasReleased: true } ? new Verdict(VerdictKind.Warning, "an earlier try has an unknown outcome: the mail may have been delivered")
            : delivery is { State: DeliveryState.Sent, SentAt: { } at } ? new Verdict(VerdictKind.Warning, $"sent at {at:u}")
            : Verdict.Good;
    }

    private static Outcome? OutcomeOf(Delivery? delivery, int attemptsBefore, string replayId) => delivery switch
    {
        { State: DeliveryState.Sent } => Outcome.Handled,
        { State: DeliveryState.Blocked } when delivery.Attempt > attemptsBefore => Outcome.Handled,
        { State: DeliveryState.NotSent } when delivery.Attempt > attemptsBefore => Outcome.Delayed,
        { State: DeliveryState.NotSent or DeliveryState.Blocked } when delivery.IsPutOffIn(replayId) => Outcome.Delayed,
        _ => null,
    };

    private static Task<IReadOnlyList<T>> QueryAsync<T>(Func<IEnumerable<T>> query)
    {
        try
        {
            return Task.FromResult<IReadOnlyList<T>>([.. query()]);
        }
        catch (DbException e)
        {
            throw Unreachable(e);
        }
    }

    private static DeadLetterException Unreachable(DbException e) =>
        new(DeadLetterProblem.Unreachable, $"The delivery ledger does not answer ({e.GetType().Name}): check ConnectionStrings__Deliveries and the database. Without the ledger, it is unknown what was sent", e);
}
