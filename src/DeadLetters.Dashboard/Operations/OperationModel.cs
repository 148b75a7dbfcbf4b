namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>An operation as its page shows it.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="By">The user who views the page.</param>
internal sealed record OperationModel(RunningOperation Operation, string By)
{
    /// <summary>How many messages of each kind a page lists. The counts include all of them.</summary>
    public const int MostListed = 200;

    public RequestedOperation Request => Operation.Request;

    /// <summary>The diff of an edit; null for every user except the one who made it.</summary>
    public IReadOnlyList<DiffLine>? Diff => Request.Edit is { } edit && Operation.By == By ? Operations.Diff.Of(edit.Original, edit.Edited) : null;

    /// <summary>The reasons for refusing messages, and the number of messages for each.</summary>
    public IReadOnlyList<(string Why, int Count, IReadOnlyList<Refusal> Some)> Refusals =>
        [.. ReasonGroups.Of(Operation.Result?.Refused ?? [], refusal => refusal.Why)
            .Select(reason => (reason.Text, reason.Messages.Count, (IReadOnlyList<Refusal>)[.. reason.Messages.Take(MostListed)]))];

    /// <summary>The warnings of the dry run, and the number of messages for each.</summary>
    public IReadOnlyList<(string Text, int Count)> Warnings =>
        [.. ReasonGroups.Of((Operation.Result?.Replayed ?? []).Where(message => message.Verdict.Kind == VerdictKind.Warning), message => message.Verdict.Text)
            .Select(warning => (warning.Text, warning.Messages.Count))];

    /// <summary>The target queues, and the number of messages for each.</summary>
    public IReadOnlyList<(string Queue, int Count)> Targets =>
        [.. (Operation.Result?.Replayed ?? []).GroupBy(message => message.Target).Select(target => (target.Key, target.Count()))];

    /// <summary>Whether some of the messages are requests, to which their consumer would respond.</summary>
    public bool HasRequests => Request.WithoutResponse || Warnings.Any(warning => warning.Text.Contains("a request: ", StringComparison.Ordinal));

    /// <summary>Whether some of the messages come from AMQP 1.0 clients and would lose a part.</summary>
    public bool HasLosses => Request.AcceptLoss || Refusals.Any(refusal => refusal.Why.Contains("acceptLoss", StringComparison.Ordinal));

    public int Good => (Operation.Result?.Replayed ?? []).Count(message => message.Verdict.Kind == VerdictKind.Good);

    /// <summary>Of a replay that has ended: the outcomes now; otherwise null.</summary>
    public OperationOutcomes? Outcomes { get; init; }
}
