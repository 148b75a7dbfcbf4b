using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>What an operation does now.</summary>
internal enum ApiState
{
    Running,
    Paused,
    Ended,
    Failed,
    Interrupted,
}

/// <summary>A dry run or an operation.</summary>
internal sealed record ApiOperation
{
    public required string Id { get; init; }

    /// <summary>Whether it is a dry run. Its id starts the operation.</summary>
    public required bool IsDryRun { get; init; }

    /// <summary>Of a dry run: until when its id starts the operation; null if it does not.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public required ApiState State { get; init; }

    /// <summary>What it does, in words.</summary>
    public required string Title { get; init; }

    public required string Source { get; init; }

    public required string Queue { get; init; }

    public required string By { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The id of its entry in the audit log; null for a dry run.</summary>
    public string? AuditId { get; init; }

    /// <summary>The other process that runs it or ran it; null: the one that answers.</summary>
    public string? RunsOn { get; init; }

    public required ApiProgress Progress { get; init; }

    public ApiPause? Pause { get; init; }

    /// <summary>The result; null while it runs, and of an operation of another instance.</summary>
    public ApiResult? Result { get; init; }

    /// <summary>The result in one line.</summary>
    public string? Summary { get; init; }

    /// <summary>Why there is no result.</summary>
    public string? Problem { get; init; }

    /// <summary>What kind of problem that is; null if unknown, or of an operation of another instance.</summary>
    public DeadLetterProblem? ProblemKind { get; init; }

    /// <summary>Of a replay that has ended: the outcomes of its messages now.</summary>
    public ApiOutcomes? Outcomes { get; init; }

    public static ApiOperation DryRunExample { get; } = new()
    {
        Id = ApiExamples.Operation,
        IsDryRun = true,
        ExpiresAt = ApiExamples.Time.AddMinutes(15),
        State = ApiState.Ended,
        Title = "dry run: replay cause=5f1c9a3e in orders_error",
        Source = "shop",
        Queue = "orders_error",
        By = "Erin (token deploy-bot, t_3fa91c02)",
        StartedAt = ApiExamples.Time,
        EndedAt = ApiExamples.Time,
        Progress = new ApiProgress(840, 840, 0, 0, 0),
        Summary = "838 of 840 would be moved, 2 refused",
        Result = ApiResult.Example,
    };

    public static ApiOperation Example { get; } = DryRunExample with
    {
        IsDryRun = false,
        ExpiresAt = null,
        Title = "replay cause=5f1c9a3e in orders_error",
        AuditId = ApiExamples.Operation,
        Progress = new ApiProgress(840, 840, 838, 2, 838),
        Summary = "838 of 840 replayed: 1 failed again, 837 handled",
        Outcomes = new ApiOutcomes(new ApiOutcomeCounts(837, 1, 0, 0, 0), 838, [new ApiOutcome(ApiExamples.LetterId, ApiExamples.MessageId, Outcome.FailedAgain, "orders", null)]),
    };

    public static ApiOperation Of(PageContext page, RunningOperation operation, OperationOutcomes? outcomes)
    {
        var pause = operation.IsRunning ? operation.Progress.Paused : null;
        DateTimeOffset? ended = operation.IsRunning || operation.EndedAt == DateTimeOffset.MaxValue ? null : operation.EndedAt;
        return new ApiOperation
        {
            Id = operation.Id,
            IsDryRun = operation.IsDryRun,
            ExpiresAt = operation is { IsDryRun: true, ToDo: > 0 } ? ended + page.Options.DryRunLife : null,
            State = pause is not null ? ApiState.Paused : operation.IsRunning ? ApiState.Running : operation.Problem is null ? ApiState.Ended : ApiState.Failed,
            Title = operation.Title,
            Source = operation.Request.Source.Name,
            Queue = operation.Request.Queue,
            By = operation.By,
            StartedAt = operation.StartedAt,
            EndedAt = ended,
            AuditId = operation.Progress.OperationId,
            Progress = new ApiProgress(operation.Progress.Examined, operation.Progress.Total, operation.Progress.Done, operation.Progress.Refused, operation.Progress.Known)
            {
                IsWaiting = operation.IsRunning && operation.Progress.Waiting,
                Blocked = operation.IsRunning ? operation.Progress.Blocked : null,
            },
            Pause = ApiPause.Of(pause),
            Result = operation.Result is null ? null : ApiResult.Of(new OperationModel(operation, page.By)),
            Summary = OperationSharing.Summary(operation),
            Problem = operation.Problem,
            ProblemKind = operation.ProblemKind,
            Outcomes = ApiOutcomes.Of(outcomes),
        };
    }

    public static ApiOperation Of(PageContext page, ElsewhereModel model)
    {
        var operation = model.Operation;
        return new ApiOperation
        {
            Id = operation.Id,
            IsDryRun = operation.IsDryRun,
            ExpiresAt = model.CanRun ? operation.EndedAt + page.Options.DryRunLife : null,
            State = model is { IsRunning: true, Pause: not null } ? ApiState.Paused : model.IsRunning ? ApiState.Running
                : operation.EndedAt is null && model.Entry?.EndedAt is null ? ApiState.Interrupted : operation.Problem is null ? ApiState.Ended : ApiState.Failed,
            Title = operation.Title,
            Source = operation.Source ?? page.Sources.Default.Name,
            Queue = operation.Queue,
            By = operation.By,
            StartedAt = operation.StartedAt,
            EndedAt = operation.EndedAt ?? model.Entry?.EndedAt,
            AuditId = operation.AuditId,
            RunsOn = operation.RunsOn,
            Progress = new ApiProgress(operation.Examined, operation.Total, operation.Done, operation.Refused, 0),
            Pause = ApiPause.Of(model.Pause),
            Summary = operation.Result,
            Problem = operation.Problem,
            Outcomes = ApiOutcomes.Of(model.Outcomes),
        };
    }
}

/// <summary>The progress of an operation.</summary>
/// <param name="Examined">Messages read.</param>
/// <param name="Total">Messages to be read.</param>
/// <param name="Done">Messages moved.</param>
/// <param name="Refused">Messages left in their queue.</param>
/// <param name="Known">Messages whose outcome is known.</param>
internal sealed record ApiProgress(long Examined, long Total, long Done, long Refused, long Known)
{
    /// <summary>Whether all messages were moved, and outcomes are still awaited.</summary>
    public bool IsWaiting { get; init; }

    /// <summary>Why RabbitMQ accepts no messages now; null if it does.</summary>
    public string? Blocked { get; init; }
}

/// <summary>A pause of a replay.</summary>
internal sealed record ApiPause(PauseReason Reason, string Text, string Advice, double SlowerPace)
{
    public static ApiPause? Of(ReplayPause? pause) => pause is null ? null : new ApiPause(pause.Reason, pause.Text, pause.Advice, pause.SlowerPace);
}
