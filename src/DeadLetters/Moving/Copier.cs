using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>Copies dead letters to another queue. Each letter is read and returned to its place, as for a list.</summary>
internal sealed class Copier(DeadLetterServices services, QueueAccess access, AuditedOperations operations)
{
    /// <summary>Dry run: reports what a copy would do.</summary>
    /// <param name="request">The copy.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<OperationResult> PlanAsync(CopyRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request, "dry run", passes: 2, cancellationToken); // this one, and the copy
        await using var target = await TargetAsync(request, cancellationToken);
        var run = new CopyRun(request.To, publisher: null, services.Options.Outstanding);
        var mover = await MoverAsync(session, request, progress, cancellationToken);
        await ReadAsync(request, AuditedOperations.NewId(), session, mover, target, run, cancellationToken);
        return new OperationResult("", request.Queue, run.Selected, run.Copies.Count, run.Refused, run.Copies, null) { Held = mover.Held };
    }

    /// <summary>Copies dead letters: publishes a copy of each as mandatory, and waits for its confirm.</summary>
    /// <param name="request">The copy.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public async Task<OperationResult> CopyAsync(CopyRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request, "copy", passes: 1, cancellationToken);
        if (request.Broker is null)
            await access.GuardAlarmAsync(cancellationToken);
        await using var target = await TargetAsync(request, cancellationToken);
        var mover = await MoverAsync(session, request, progress, cancellationToken);
        if (mover.Held == 0)
            return AuditedOperations.OfEmpty(request.Queue);
        await using var publisher = await Publisher.OpenAsync(OptionsOf(request), $"dead letters: copy to {request.To}", onBlocked: () => { }, cancellationToken);
        await using var cancelled = cancellationToken.UnsafeRegister(static one => ((Publisher)one!).GiveUpWhileBlocked(), publisher);
        var run = new CopyRun(request.To, publisher, services.Options.Outstanding);
        var entry = operations.Begin(request, "copy");
        await services.Audit.WriteAsync(entry, cancellationToken);
        string? stopped = null;
        try
        {
            await ReadAsync(request, entry.Id, session, mover, target, run, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = "Cancelled: the letters are all in the queue, those that were copied too";
        }
        catch (Exception e)
        {
            await run.EndAsync();
            stopped = InDoubt(AuditedOperations.Why(e), run.Doubts);
            if (e is not DeadLetterException problem || run.Doubts.Count == 0)
                throw;
            throw new DeadLetterException(problem.Problem, stopped, e);
        }
        finally
        {
            await run.EndAsync();
            await services.Audit.WriteAsync(Ended(entry, request, run, stopped), CancellationToken.None);
        }
        return new OperationResult(entry.Id, request.Queue, Math.Max(run.Selected, request.Expected ?? 0), run.Copies.Count, run.Refused, run.Copies, run.Doubts.Count == 0 ? stopped : InDoubt(stopped ?? "Not all copies were confirmed", run.Doubts))
        {
            Held = mover.Held,
            Doubts = run.Doubts,
        };
    }

    private DeadLetterOptions OptionsOf(CopyRequest request)
    {
        var broker = request.Broker ?? services.Options;
        return request.VirtualHost is { } virtualHost ? broker with { VirtualHost = virtualHost } : broker;
    }

    private async Task<QueueSession> OpenAsync(CopyRequest request, string verb, int passes, CancellationToken cancellationToken)
    {
        if (request.To == request.Queue && request.Broker is null && OptionsOf(request).VirtualHost == services.Options.VirtualHost)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{request.To} is the queue of the letters: copy them to another queue");
        var session = await access.OpenAsync(request.Queue, verb, request.By, QueueAccess.ReadTimeout, cancellationToken);
        try
        {
            await access.GuardAsync(session, passes, cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private Task<CopyTarget> TargetAsync(CopyRequest request, CancellationToken cancellationToken) =>
        CopyTarget.OpenAsync(OptionsOf(request), checksLimits: request.Broker is null, request.To, cancellationToken);

    private async Task<Mover> MoverAsync(QueueSession session, CopyRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        new(session, services.Options, progress) { Total = await session.ReadyAsync(cancellationToken), Ids = SelectedIds.Of(request.Filter) };

    // Each letter is left where it is.
    private async Task ReadAsync(CopyRequest request, string id, QueueSession session, Mover mover, CopyTarget target, CopyRun run, CancellationToken cancellationToken)
    {
        var replay = new ReplayRequest { Queue = request.Queue, Filter = request.Filter, By = request.By, To = request.To, WithoutResponse = request.WithoutResponse };
        await using var planner = new ReplayPlanner(services, session, replay, id, watches: false);
        await mover.RunAsync(async window =>
        {
            foreach (var letter in window.Where(request.Filter.Matches))
            {
                if (cancellationToken.IsCancellationRequested)
                    break;
                await CopyAsync(letter, session.BrokerVersion, request, planner, target, run, cancellationToken);
            }
            return [.. window.Select(_ => Decision.Left)];
        }, pace: null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        await run.SettleAsync(0);
    }

    private static async Task CopyAsync(DeadLetter letter, Version version, CopyRequest request, ReplayPlanner planner, CopyTarget target, CopyRun run, CancellationToken cancellationToken)
    {
        var replayId = string.Create(CultureInfo.InvariantCulture, $"{planner.Id}.{run.Next}");
        var (properties, body) = (planner.Stamped(letter, replayId), planner.Body(letter));
        properties.Headers![Headers.ReplayCopy] = true;
        var warnings = new List<string>();
        if (letter.AnswersTo is { } exchange)
            warnings.Add(request.WithoutResponse ? "a request: its response address is removed" : $"a request: a consumer of the copy answers to {exchange} too. --without-response removes the address");
        if (Amqp10Loss.Warning(letter, version) is { } lost)
            warnings.Add(lost);
        if (letter.Unreadable is { } unreadable)
            warnings.Add($"unreadable: {unreadable}");
        if (await target.ProblemAsync(properties, body, warnings, cancellationToken) is { } problem)
        {
            run.Refuse(letter, problem);
            return;
        }
        var verdict = new Verdict(VerdictKind.Warning, string.Join("; ", target.Warnings.Concat(warnings)));
        await run.PutAsync(letter, new Replayed(letter.Id, letter.MessageId, replayId, verdict) { Target = request.To }, properties, body, cancellationToken);
    }

    private AuditEntry Ended(AuditEntry entry, CopyRequest request, CopyRun run, string? stopped)
    {
        var options = OptionsOf(request);
        var where = request.Broker is null ? "" : $" on {string.Join(", ", options.Endpoints.Select(endpoint => $"{endpoint.HostName}:{endpoint.Port}"))}";
        return entry with
        {
            EndedAt = services.Time.GetUtcNow(),
            Selected = Math.Max(run.Selected, request.Expected ?? 0),
            Done = run.Copies.Count,
            Refused = run.Refused.Count,
            Problem = stopped ?? "",
            Messages = run.Messages,
            Results = string.Create(CultureInfo.InvariantCulture, $"{run.Copies.Count:N0} copied to {request.To} in virtual host {options.VirtualHost}{where}"),
            Doubts = run.Doubts,
        };
    }

    private static string InDoubt(string message, IReadOnlyList<Doubt> doubts) => doubts.Count == 0 ? message
        : string.Create(CultureInfo.InvariantCulture, $"{message.TrimEnd('.')}. The letters are all in the queue. {doubts.Count:N0} copies were published and never confirmed, so they may have arrived: {string.Join(", ", doubts.Take(20).Select(doubt => doubt.MessageId ?? doubt.Id))}");
}
