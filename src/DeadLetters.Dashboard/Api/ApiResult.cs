using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>The result of a dry run or an operation.</summary>
internal sealed record ApiResult
{
    private const int MostExamples = 20;

    /// <summary>How many messages were selected.</summary>
    public required long Selected { get; init; }

    /// <summary>How many were moved; of a dry run: would be.</summary>
    public required long Done { get; init; }

    /// <summary>How many were left in their queue.</summary>
    public required long Refused { get; init; }

    /// <summary>How many of the selected messages were not found.</summary>
    public long Missing { get; init; }

    /// <summary>How many were published and not confirmed: they are where they were, and may be in their target queue too.</summary>
    public long NotConfirmed { get; init; }

    /// <summary>How many messages the queue held when the operation began.</summary>
    public long Held { get; init; }

    /// <summary>How many were removed instead of replayed: an earlier replay had published them, and their copies are dead letters again. Part of done.</summary>
    public long Settled { get; init; }

    /// <summary>Of a replay: whether it waited for outcomes.</summary>
    public bool OutcomesAwaited { get; init; }

    /// <summary>Of a replay: why one of the delayed messages waits; null if none does, or that is not known.</summary>
    public string? DelayReason { get; init; }

    /// <summary>Why it ended early; null if it completed.</summary>
    public string? Stopped { get; init; }

    /// <summary>Why messages were refused.</summary>
    public IReadOnlyList<ApiReason> Refusals { get; init; } = [];

    /// <summary>What to consider before the run.</summary>
    public IReadOnlyList<ApiReason> Warnings { get; init; } = [];

    /// <summary>The queues that the messages go to.</summary>
    public IReadOnlyList<ApiTarget> Targets { get; init; } = [];

    /// <summary>How many messages each step moves.</summary>
    public IReadOnlyList<long> Steps { get; init; } = [];

    /// <summary>The keys of a replay in order, in words; null without an order.</summary>
    public string? Order { get; init; }

    /// <summary>The keys of a replay in order; null without an order.</summary>
    public ApiKeys? Keys { get; init; }

    /// <summary>Of a repair: what it changes, masked.</summary>
    public IReadOnlyList<ApiRepair> Repairs { get; init; } = [];

    public static ApiResult Example { get; } = new()
    {
        Selected = 840,
        Done = 838,
        Refused = 2,
        Refusals = [new ApiReason("its message can’t be read", 2, [ApiExamples.LetterId])],
        Targets = [new ApiTarget("orders", 838)],
        Held = 840,
        Steps = [1, 10, 100, 727],
    };

    public static ApiResult Of(OperationModel model)
    {
        var result = model.Operation.Result!;
        return new ApiResult
        {
            Selected = result.Selected,
            Done = result.Done,
            Refused = result.Refused.Count,
            Missing = model.Operation.IsDryRun ? 0 : result.Missing,
            NotConfirmed = result.Doubts.Count,
            Held = result.Held,
            Settled = result.Settled,
            OutcomesAwaited = result.OutcomesAwaited,
            DelayReason = result.DelayReason,
            Stopped = result.Stopped,
            Refusals = [.. model.Refusals.Select(refusal => new ApiReason(refusal.Why, refusal.Count, [.. refusal.Some.Take(MostExamples).Select(one => one.Id)]))],
            Warnings = [.. model.Warnings.Select(warning => new ApiReason(warning.Text, warning.Count, []))],
            Targets = [.. model.Targets.Where(target => target.Queue.Length > 0).Select(target => new ApiTarget(target.Queue, target.Count))],
            Steps = result.Steps,
            Order = result.Order?.Summary,
            Keys = ApiKeys.Of(result.Order),
            Repairs =
            [
                .. result.Repairs.Select(repair => new ApiRepair(
                    repair.Cause.Id, Masking.Text(repair.Cause.Text), repair.Count, [.. repair.Examples.Select(change => new ApiChange(change.Letter.Id, [.. Diff.Masked(change).Select(Line)]))])),
            ],
        };
    }

    private static string Line(DiffLine line) => line.Kind switch
    {
        DiffKind.Added => "+ " + line.Text,
        DiffKind.Removed => "- " + line.Text,
        DiffKind.Skipped => $"  … {line.Text}",
        _ => "  " + line.Text,
    };
}

/// <summary>A reason, the number of messages, and the ids of some of them.</summary>
internal sealed record ApiReason(string Text, long Count, IReadOnlyList<string> Ids);

/// <summary>A target queue.</summary>
internal sealed record ApiTarget(string Queue, long Count);

/// <summary>What a repair changes in the dead letters of a cause.</summary>
/// <param name="Cause">The id of the cause.</param>
/// <param name="Text">The cause in words.</param>
/// <param name="Count">How many messages change.</param>
/// <param name="Examples">The changes of some of them.</param>
internal sealed record ApiRepair(string Cause, string Text, long Count, IReadOnlyList<ApiChange> Examples);

/// <summary>The lines of a diff, masked: + added, - removed.</summary>
internal sealed record ApiChange(string Id, IReadOnlyList<string> Diff);

/// <summary>The outcomes of a replay.</summary>
/// <param name="Counts">The numbers of messages.</param>
/// <param name="Total">How many messages there are.</param>
/// <param name="Messages">Some of them; those that failed again or were skipped come first.</param>
internal sealed record ApiOutcomes(ApiOutcomeCounts Counts, long Total, IReadOnlyList<ApiOutcome> Messages)
{
    /// <summary>Why the outcomes may be incomplete, and what to do about it.</summary>
    public string? Problem { get; init; }

    public static ApiOutcomes? Of(OperationOutcomes? outcomes) => outcomes is null ? null : new ApiOutcomes(
        new ApiOutcomeCounts(outcomes.Counts.Handled, outcomes.Counts.FailedAgain, outcomes.Counts.Delayed, outcomes.Counts.Skipped, outcomes.Counts.Unknown), outcomes.Total,
        [.. outcomes.Listed.Select(message => new ApiOutcome(message.Id, Shared.Format.IdOf(message.MessageId, message.Id), message.Outcome, message.Target, message.NewLetter?.Id))])
    {
        Problem = outcomes.Problem,
    };
}

/// <summary>The number of messages with each outcome.</summary>
internal sealed record ApiOutcomeCounts(long Handled, long FailedAgain, long Delayed, long Skipped, long Unknown);

/// <summary>The outcome of a message.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">The MessageId.</param>
/// <param name="Outcome">The outcome. leftQueue, waiting and taken are unknown.</param>
/// <param name="Target">The queue that it went to.</param>
/// <param name="NewLetter">The id of the new dead letter; null if there is none.</param>
internal sealed record ApiOutcome(string Id, string MessageId, Outcome Outcome, string Target, string? NewLetter);
