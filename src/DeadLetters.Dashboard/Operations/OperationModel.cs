namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>An operation as a person sees it.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="By">Who looks.</param>
internal sealed record OperationModel(RunningOperation Operation, string By)
{
    /// <summary>Of each kind a page lists so many; the counts are of all.</summary>
    public const int MostListed = 200;

    public RequestedOperation Request => Operation.Request;

    /// <summary>The diff of an edit, for the person who made it.</summary>
    public IReadOnlyList<DiffLine>? Diff => Request.Edit is { } edit && Operation.By == By ? Operations.Diff.Of(edit.Original, edit.Edited) : null;

    /// <summary>What would stop messages, or did, and how many each.</summary>
    public IReadOnlyList<(string Why, int Count, IReadOnlyList<Refusal> Some)> Refusals =>
        [.. (Operation.Result?.Refused ?? []).GroupBy(refusal => refusal.Why).OrderByDescending(reason => reason.Count())
            .Select(reason => (reason.Key, reason.Count(), (IReadOnlyList<Refusal>)[.. reason.Take(MostListed)]))];

    /// <summary>What there is to know before a replay.</summary>
    public IReadOnlyList<(string Text, int Count)> Warnings =>
        [.. (Operation.Result?.Replayed ?? []).Where(message => message.Verdict.Kind == VerdictKind.Warning).GroupBy(message => message.Verdict.Text)
            .Select(warning => (warning.Key, warning.Count()))];

    /// <summary>Where they go, and how many each.</summary>
    public IReadOnlyList<(string Queue, int Count)> Targets =>
        [.. (Operation.Result?.Replayed ?? []).GroupBy(message => message.Target).Select(target => (target.Key, target.Count()))];

    /// <summary>Whether there are requests among them, whose consumer would answer.</summary>
    public bool HasRequests => Request.WithoutResponse || Warnings.Any(warning => warning.Text.Contains("a request: ", StringComparison.Ordinal));

    public int Good => (Operation.Result?.Replayed ?? []).Count(message => message.Verdict.Kind == VerdictKind.Good);

    public OutcomeCounts Outcomes => Operation.Result?.Outcomes ?? OutcomeCounts.None;
}
