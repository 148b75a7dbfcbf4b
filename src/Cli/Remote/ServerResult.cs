using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>The result of an operation of a server, with each of its messages.</summary>
internal static class ServerResult
{
    /// <summary>Reads the messages, and puts the result together.</summary>
    /// <param name="api">The API.</param>
    /// <param name="operation">The operation, which has ended.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <param name="pause">The pause at which it was ended; null if at none.</param>
    /// <exception cref="ServerException">Another instance of the server ran it, so the messages are not known; or the server does not list them.</exception>
    public static async Task<OperationResult> ReadAsync(ServerClient api, ApiOperation operation, CancellationToken cancellationToken, ReplayPause? pause = null)
    {
        if (operation.Result is not { } result)
        {
            throw new ServerException(
                $"Another instance of the server {(operation.IsDryRun ? "made the dry run" : "ran the operation")}, so the messages can't be listed here: {operation.Summary}. See {new Uri(api.Address.Pages, $"operations/{operation.Id}")}. "
                + "If a load balancer is before the server, it must send the requests of a client to one instance", ExitCode.Incomplete);
        }
        var messages = operation.IsDryRun
            ? await MessagesAsync(api, operation.Id, cancellationToken)
            : await new OperationProblems(api).AfterEndAsync(operation.Id, operation.Summary, () => MessagesAsync(api, operation.Id, cancellationToken));
        return new OperationResult(
            operation.AuditId ?? "", operation.Queue, result.Selected, result.Done,
            [.. messages.Where(message => message.Move == ApiMove.Refused).Select(message => new Refusal(message.Id, message.MessageId, message.Text ?? "") { IsHeldBack = message.IsHeldBack })],
            [.. messages.Where(message => message.Move == ApiMove.Moved).Select(Moved)],
            pause is null ? result.Stopped : ReplayPauses.TextOf(pause))
        {
            Held = result.Held,
            OutcomesAwaited = result.OutcomesAwaited,
            Doubts = [.. messages.Where(message => message.Move == ApiMove.NotConfirmed).Select(message => new Doubt(message.Id, message.MessageId, message.ReplayId))],
            ReportsProblem = operation.Outcomes?.Problem,
            DelayReason = result.DelayReason,
            Settled = result.Settled,
            Steps = result.Steps,
            Order = Order(result.Keys),
            Pause = pause,
        };
    }

    /// <summary>The changes of a repair.</summary>
    public static ShownRepair Shown(ApiRepair repair) => new(repair.Cause, repair.Text, repair.Count, [.. repair.Examples.Select(example => (example.Id, example.Diff))]);

    private static async Task<List<ApiMessage>> MessagesAsync(ServerClient api, string operation, CancellationToken cancellationToken)
    {
        var (messages, cursor) = (new List<ApiMessage>(), "");
        while (true)
        {
            var page = await api.GetAsync<ApiMessages>($"operations/{operation}/messages?limit={ApiMessages.Most}{cursor}", cancellationToken);
            messages.AddRange(page.Messages);
            if (page.NextCursor is not { } next)
                return messages;
            cursor = $"&cursor={next}";
        }
    }

    private static Replayed Moved(ApiMessage message) => new(message.Id, message.MessageId, message.ReplayId ?? "", new Verdict(message.Verdict ?? VerdictKind.Good, message.Text ?? ""))
    {
        Target = message.Target ?? "",
        Outcome = message.Outcome ?? Outcome.Waiting,
        NewLetter = message.NewLetter is { } letter ? new NewLetter(letter.Queue, letter.Id, letter.ExceptionType, letter.Reason) : null,
        Reported = message.Reported is { } reported
            ? new ReportedOutcome { At = reported.At, Consumer = reported.Consumer, Version = reported.Version, Milliseconds = reported.Milliseconds, Until = reported.Until, ExceptionType = reported.ExceptionType, Reason = reported.Reason }
            : null,
    };

    private static ReplayOrder? Order(ApiKeys? keys) => keys is null ? null : new ReplayOrder
    {
        By = keys.By,
        Keys = keys.Keys,
        Longest = keys.Longest,
        WithoutKey = keys.WithoutKey,
        PassingOthers = keys.PassingOthers,
        HeldBack = [.. keys.HeldBack.Select(held => new HeldKey { Key = held.Key, Letters = held.Letters, Id = held.Id, MessageId = held.MessageId, Why = held.Why })],
    };
}
