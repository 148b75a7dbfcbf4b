using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>Decides what a replay does with each message. A dry run uses it too; nothing is moved then.</summary>
/// <param name="services">What the client's parts share.</param>
/// <param name="session">The queue.</param>
/// <param name="request">The replay.</param>
/// <param name="id">The operation's id.</param>
/// <param name="watches">Whether to watch where messages fail again; not in a dry run.</param>
internal sealed class ReplayPlanner(DeadLetterServices services, QueueSession session, ReplayRequest request, string id, bool watches) : IAsyncDisposable
{
    private readonly MoveCheck _check = new(services.Management, session, services.Options);
    private readonly HashSet<string> _watched = [];
    private readonly HashSet<string> _editedIds = [];
    private readonly Repair? _repair = request.Patch is { } patch ? new Repair(patch, services.Audit, id) : null;
    private readonly DateTimeOffset _at = services.Time.GetUtcNow();
    private ReplayWarnings? _warnings;
    private long _number;

    public string Id => id;

    /// <summary>How many replay ids were given out so far.</summary>
    public long Issued => Volatile.Read(ref _number);

    /// <summary>Messages that earlier replays published without a confirm.</summary>
    public EarlierDoubts Earlier { get; init; } = new();

    public IReadOnlyCollection<string> Targets => [.. _check.Targets.Select(target => target.Queue)];

    /// <summary>For an edit: the message before the edit.</summary>
    public string? Original { get; private set; }

    /// <summary>For the dry run of a repair: what it would change, by cause.</summary>
    public IReadOnlyList<RepairedCause> Repairs => _repair?.Changes.Causes ?? [];

    public ValueTask DisposeAsync() => _check.DisposeAsync();

    /// <summary>Decides on a window of messages: one decision for each, in their order.</summary>
    /// <param name="window">The messages.</param>
    /// <param name="unconfirmed">How many earlier messages are published and not yet confirmed; null for a dry run.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="most">How many of them may be moved now.</param>
    public async Task<IReadOnlyList<Decision>> DecideAsync(IReadOnlyList<DeadLetter> window, long? unconfirmed, CancellationToken cancellationToken, int most = int.MaxValue)
    {
        if (unconfirmed is { } underWay)
            await _check.RecountAsync(underWay, cancellationToken);
        var meant = window.Where(request.Filter.Matches).ToList();
        // An advisor judges the message that would be sent.
        List<Repaired> judged = [.. meant.Select(letter => _repair?.Apply(letter) ?? new Repaired(letter, null))];
        var advice = services.Advisor is { } advisor && meant.Count > 0 ? await advisor.JudgeAsync([.. judged.Select(one => one.Letter)], request.SendAgain, cancellationToken) : new Verdict?[meant.Count];
        var decisions = new List<Decision>(window.Count);
        var next = 0;
        foreach (var letter in window)
        {
            if (next == meant.Count || !ReferenceEquals(meant[next], letter))
            {
                decisions.Add(Decision.Left);
                continue;
            }
            var decision = await DecideAsync(judged[next], advice[next], cancellationToken);
            if (decision is Decision.Move && !watches)
                _repair?.Changes.Add(letter, judged[next].Letter);
            decisions.Add(decision);
            next++;
        }
        if (_repair is not null && watches)
            await _repair.KeepAsync(window.Zip(decisions).Where(one => one.Second is Decision.Move).Select(one => one.First).Take(most), cancellationToken);
        return decisions;
    }

    private async Task<Decision> DecideAsync(Repaired judged, Verdict? advice, CancellationToken cancellationToken)
    {
        var letter = judged.Letter;
        if (Earlier.HasArrived(letter))
            return Earlier.Settle(letter);
        if (letter.DiscardedFrom is not null)
            return new Decision.Refuse("discarded: restore it first");
        if (letter.Unreadable is { } unreadable && request.Edited is null)
            return new Decision.Refuse($"unreadable: {unreadable}");
        if (judged.Problem is { } unfit)
            return new Decision.Refuse(unfit);
        if (!request.AcceptLoss && Amqp10Loss.Refusal(letter, session.BrokerVersion) is { } loss)
            return new Decision.Refuse(loss);
        if (advice is { Kind: VerdictKind.Refused, Text: var why })
            return new Decision.Refuse(why);
        if (await TargetAsync(letter, cancellationToken) is not { } target)
            return new Decision.Refuse($"queue \"{QueuesFor(letter).FirstOrDefault() ?? letter.Queue}\" not found");
        if (request.Edited is not null && EditProblem(letter) is { } problem)
            return new Decision.Refuse(problem);

        var body = Body(letter);
        var replayId = string.Create(CultureInfo.InvariantCulture, $"{id}.{_number + 1}");
        var properties = Stamped(letter, replayId);
        var warnings = await (_warnings ??= new ReplayWarnings(_check, request)).OfAsync(letter, target, cancellationToken);
        if (await _check.ProblemAsync(target, properties, body, warnings, cancellationToken) is { } stays)
            return new Decision.Refuse(stays);
        if (request.Edited is { } edited && services.Advisor is { } advisor && await advisor.JudgeEditAsync(letter, edited, cancellationToken) is { } changed)
            advice = changed;
        if (Amqp10Loss.Warning(letter, session.BrokerVersion) is { } lost)
            warnings.Insert(0, lost);
        if (advice is { Kind: VerdictKind.Warning })
            warnings.Insert(0, advice.Text);
        if (Earlier.WarningFor(letter) is { } doubt)
            warnings.Insert(0, doubt);
        _number++;
        var verdict = warnings.Count == 0 ? Verdict.Good : new Verdict(VerdictKind.Warning, string.Join("; ", warnings));
        var replayed = new Replayed(letter.Id, letter.MessageId, replayId, verdict with { Note = advice?.Note }) { Target = target.Queue };
        return new Decision.Move(target.Exchange, target.RoutingKey, properties, body, replayed);
    }

    private string? EditProblem(DeadLetter letter)
    {
        if (_editedIds.Count > 0 && !_editedIds.Contains(letter.Id))
            return "an edit changes one message, and this is another one with the same id: use its dead-letter id";
        _editedIds.Add(letter.Id);
        return letter.EditProblem;
    }

    /// <summary>The body of a moved or copied message.</summary>
    public ReadOnlyMemory<byte> Body(DeadLetter letter)
    {
        var body = letter.Body;
        if (request.Edited is { } edited)
        {
            Original = letter.MessageJson ?? letter.BodyText;
            body = Envelope.WithMessage(body, letter.ContentType, edited);
        }
        if (!Envelope.IsEnvelope(letter.ContentType))
            return body;
        body = Envelope.WithoutRedeliveryCount(body);
        return request.WithoutResponse ? Envelope.WithoutResponseAddress(body) : body;
    }

    /// <summary>The properties of a moved or copied message, with the stamp of the replay.</summary>
    public BasicProperties Stamped(DeadLetter letter, string replayId)
    {
        var properties = MovedProperties.Replayed(letter, request, replayId, _at);
        // The history must not be the reason why a message with large headers can't be moved.
        if (session.FrameMax > 0 && HeaderFrame.SizeOf(properties) > session.FrameMax)
            properties.Headers!.Remove(Headers.ReplayHistory);
        return properties;
    }

    // The queue that the headers name as the one where the message failed, else the input queue of this dead-letter queue. Only a message
    // that failed in a quarantine queue goes back to the normal input queue.
    private IEnumerable<string> QueuesFor(DeadLetter letter)
    {
        if (request.To is { } to)
            return [to];
        var byName = services.InputQueueOf(letter.Queue);
        string?[] queues = letter.FaultedIn == byName + "_suspect" ? [byName, letter.FaultedIn] : [letter.FaultedIn, byName, letter.FailedIn];
        return queues.OfType<string>().Where(queue => queue != letter.Queue).Distinct();
    }

    private async Task<ReplayTarget?> TargetAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        foreach (var queue in QueuesFor(letter))
        {
            var isNew = _check.Targets.All(target => target.Queue != queue);
            if (await _check.TargetAsync(queue, byExchange: true, cancellationToken) is not { } target)
                continue;
            if (isNew && watches && target.Definition is { } definition)
                await WatchAsync(definition, cancellationToken);
            return target;
        }
        return null;
    }

    private async Task WatchAsync(BrokerQueue input, CancellationToken cancellationToken)
    {
        var exchanges = new[] { session.Queue, input.Name + "_error", input.Name + "_skipped" }.Concat(input.Texts("dead-letter-exchange"))
            .Where(exchange => exchange.Length > 0 && BrokerNames.Fits(exchange)).Distinct();
        await session.Failures.WatchAsync(id, [.. exchanges.Where(_watched.Add)], cancellationToken);
    }
}
