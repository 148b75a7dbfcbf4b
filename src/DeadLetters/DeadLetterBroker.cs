using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using Refit;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The operator's verbs over the dead-letter queues of one virtual host, whatever MassTransit application they belong to. All of
/// its operations are safe to interrupt and to run again: nothing is taken off a queue before its copy is confirmed.
/// </summary>
public sealed partial class DeadLetterBroker : IDisposable
{
    private const int DefaultDeliveryLimit = 20; // RabbitMQ 4.x, quorum queues that name none
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _briefPatience = TimeSpan.FromSeconds(1); // for who only passes by, on the way to the next queue
    private static readonly TimeSpan _canaryWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _ask = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(3); // a failure is written down before its dead letter stands
    private static readonly TimeSpan _quiet = TimeSpan.FromSeconds(7); // the management API's counts are up to 5 s old

    private readonly DeadLetterOptions _options;
    private readonly IAuditLog _audit;
    private readonly IReplayAdvisor? _advisor;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly IManagementApi _management;

    /// <summary>Speaks to one virtual host.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="audit">Where operations are written down.</param>
    /// <param name="advisor">What only the application knows.</param>
    /// <param name="time">The clock.</param>
    public DeadLetterBroker(DeadLetterOptions options, IAuditLog audit, IReplayAdvisor? advisor = null, TimeProvider? time = null)
    {
        (_options, _audit, _advisor, _time) = (options, audit, advisor, time ?? TimeProvider.System);
        _http = ConnectTo(options.Management);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{options.Username}:{options.Password}")));
        _management = RestService.ForGenerated<IManagementApi>(_http);
    }

    /// <summary>The audit log.</summary>
    public IAuditLog Audit => _audit;

    /// <summary>Finds the dead-letter queues, those that hold something first.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DeadLetterException">The management API does not answer.</exception>
    public async Task<IReadOnlyList<DeadLetterQueue>> FindQueuesAsync(CancellationToken cancellationToken)
    {
        var queues = (await AskAsync(_management.QueuesAsync(_options.VirtualHost, cancellationToken)) ?? [])
            .Where(queue => !queue.Exclusive && _options.Suffixes.Any(suffix => queue.Name.EndsWith(suffix, StringComparison.Ordinal)))
            .ToList();
        var ready = await QueueCounts.ReadyAsync(_options, [.. queues.Select(queue => queue.Name)], cancellationToken);
        return [.. queues
            .Select(queue => Tell(queue, ready))
            .OrderBy(queue => queue.Messages == 0).ThenBy(queue => queue.Name, StringComparer.Ordinal)];
    }

    /// <summary>Tells of one queue; null where there is none.</summary>
    /// <param name="queue">Its name.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken) =>
        await AskAsync(_management.QueueAsync(_options.VirtualHost, queue, cancellationToken)) is { } found
            ? Tell(found, await QueueCounts.ReadyAsync(_options, [queue], cancellationToken))
            : null;

    /// <summary>Shows a page of dead letters. All are given back to their places.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which of them.</param>
    /// <param name="skip">So many of these are passed over.</param>
    /// <param name="take">The page's length.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="most">Looks at so many from the head.</param>
    public async Task<DeadLetterPage> ListAsync(
        string queue, DeadLetterFilter filter, long skip, int take, string by, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        var letters = new List<DeadLetter>();
        long examined = 0, matching = 0;
        // Without a filter, what comes after the page need not be looked at.
        var ready = await LookAsync(queue, "list", by, filter.IsEmpty ? Math.Min(most, skip + take) : most, letter =>
        {
            examined++;
            if (filter.Matches(letter) && ++matching > skip && letters.Count < take)
                letters.Add(letter);
            return true;
        }, null, cancellationToken);
        return new DeadLetterPage(letters, ready, examined, filter.IsEmpty ? ready : matching);
    }

    /// <summary>Groups dead letters by their cause.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which of them.</param>
    /// <param name="by">The person.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="most">Looks at so many from the head.</param>
    public async Task<CausePage> GroupAsync(
        string queue, DeadLetterFilter filter, string by, IProgress<OperationProgress>? progress, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        var groups = new Dictionary<string, CauseGroup>();
        long examined = 0;
        var ready = await LookAsync(queue, "list", by, most, letter =>
        {
            examined++;
            if (!filter.Matches(letter))
                return true;
            var (cause, at) = (letter.Cause, letter.FailedAt);
            groups[cause.Id] = groups.TryGetValue(cause.Id, out var group)
                ? group with
                {
                    Count = group.Count + 1,
                    First = Least(group.First, at),
                    Last = Greatest(group.Last, at),
                    MessageTypes = letter.MessageTypes is [var type, ..] && group.MessageTypes.Count < 5 && !group.MessageTypes.Contains(type) ? [.. group.MessageTypes, type] : group.MessageTypes,
                }
                : new CauseGroup(cause, 1, at, at, letter.Id, [.. letter.MessageTypes.Take(1)]);
            return true;
        }, progress, cancellationToken);
        return new CausePage([.. groups.Values.OrderByDescending(group => group.Count)], ready, examined);
    }

    /// <summary>Finds one dead letter by its id or its MessageId; the first in the queue where several have it.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The id.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<DeadLetter?> FindAsync(string queue, string id, string by, CancellationToken cancellationToken) =>
        FindAsync(queue, id, by, _lookPatience, cancellationToken);

    private async Task<DeadLetter?> FindAsync(string queue, string id, string by, TimeSpan patience, CancellationToken cancellationToken)
    {
        DeadLetter? found = null;
        var filter = DeadLetterFilter.ById(id);
        await LookAsync(queue, "show", by, long.MaxValue, letter =>
        {
            if (filter.Matches(letter))
                found = letter;
            return found is null;
        }, null, cancellationToken, patience);
        return found;
    }

    /// <summary>Finds where messages with an id stand, in all dead-letter queues.</summary>
    /// <param name="id">A MessageId, or a dead letter's id.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<Whereabouts> WhereIsAsync(string id, string by, CancellationToken cancellationToken)
    {
        var (places, passedOver) = (new List<Place>(), new List<DeadLetterQueue>());
        foreach (var queue in (await FindQueuesAsync(cancellationToken)).Where(queue => queue.Messages > 0))
        {
            if (queue.Looks is not null)
            {
                passedOver.Add(queue);
                continue;
            }
            try
            {
                if (await FindAsync(queue.Name, id, by, _briefPatience, cancellationToken) is { } letter)
                    places.Add(new Place(letter, queue));
            }
            catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Locked)
            {
                passedOver.Add(queue with { Looks = e.Message });
            }
        }
        return new Whereabouts(places, passedOver);
    }

    /// <summary>Tells what the application knows of a message, wherever it is; null where it knows nothing.</summary>
    /// <param name="messageId">Its id.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<string?> TellAsync(string messageId, CancellationToken cancellationToken) =>
        _advisor?.TellAsync(messageId, cancellationToken) ?? Task.FromResult<string?>(null);

    /// <summary>Writes dead letters as JSON, one a line, whole and unmasked; written to the audit log.</summary>
    /// <param name="request">Which ones.</param>
    /// <param name="output">Where to.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How many.</returns>
    public async Task<long> ExportAsync(OperationRequest request, Stream output, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        long count = 0;
        var entry = Begin(request, "export");
        await _audit.WriteAsync(entry, cancellationToken);
        await LookAsync(request.Queue, "export", request.By, long.MaxValue, letter =>
        {
            if (!request.Filter.Matches(letter))
                return true;
            using (var writer = new Utf8JsonWriter(output))
                letter.Write(writer);
            output.WriteByte((byte)'\n');
            count++;
            return true;
        }, progress, cancellationToken);
        await output.FlushAsync(cancellationToken);
        await _audit.WriteAsync(entry with { EndedAt = _time.GetUtcNow(), Selected = count, Done = count }, cancellationToken);
        return count;
    }

    /// <summary>Writes down that a person has looked at what is masked.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task RevealedAsync(DeadLetter letter, string by, CancellationToken cancellationToken)
    {
        var entry = Begin(new OperationRequest { Queue = letter.Queue, Filter = DeadLetterFilter.ById(letter.Id), By = by }, "reveal");
        return _audit.WriteAsync(entry with { EndedAt = entry.At, Selected = 1, Done = 1, Messages = [letter.MessageId ?? letter.Id] }, cancellationToken);
    }

    /// <summary>Judges what a replay would do. All are given back to their places.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<OperationResult> PlanAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request.Queue, "dry run", request.By, _lookPatience, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        await GuardLooksAsync(session, passes: 1, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = total };
        var replay = new Replay(this, session, request, NewId(), watches: false);
        var replayed = new List<Replayed>();
        var refused = new List<Refusal>();
        await operation.RunAsync(async window =>
        {
            foreach (var (letter, decision) in window.Zip(await replay.DecideAsync(window, cancellationToken)))
            {
                if (decision is Decision.Move { Replayed: { } move })
                    replayed.Add(move);
                else if (decision is Decision.Refuse { Why: var why })
                    refused.Add(new Refusal(letter.Id, letter.MessageId, why));
            }
            return [.. window.Select(_ => Decision.Left)];
        }, pace: null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return new OperationResult(replay.Id, request.Queue, replayed.Count + refused.Count, replayed.Count, refused, replayed, null);
    }

    /// <summary>
    /// Replays: publishes to the exchange of the queue that the message failed in, confirmed, then acks. The body stays as it is, but
    /// for a count of redeliveries in it; headers of the first try are taken off, a stamp is put on, all others stay.
    /// </summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it between two messages.</param>
    /// <exception cref="DeadLetterException">It could not be begun, or the broker was lost in the middle; nothing is lost, and it can be run again.</exception>
    public async Task<OperationResult> ReplayAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.Pace is <= 0)
            throw new DeadLetterException(DeadLetterProblem.Refused, "The pace must be more than 0 messages a second");
        await using var session = await OpenAsync(request.Queue, "replay", request.By, TimeSpan.Zero, cancellationToken);
        var total = await session.ReadyAsync(cancellationToken);
        var passes = 1 + (request.Canary ? 1 : 0) + (request.Pace is { } pace ? (long)(total / (pace * 300)) : 0);
        await GuardLooksAsync(session, passes, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = total };
        var entry = Begin(request, request.Edited is null ? "replay" : "edit");
        var replay = new Replay(this, session, request, entry.Id, watches: true);
        await _audit.WriteAsync(entry, cancellationToken);
        return await AuditedAsync(entry, operation, () => replay.Original is null ? entry : entry with { Original = replay.Original, Edited = request.Edited }, async () =>
        {
            string? stopped = null;
            if (request.Canary)
            {
                await operation.RunAsync(window => replay.DecideAsync(window, cancellationToken), null, 1, cancellationToken);
                await ReplayOutcomesAsync(session, replay, operation, request.Wait > TimeSpan.Zero ? request.Wait : _canaryWait, cancellationToken);
                if (operation.Replayed is [{ Outcome: not (Outcome.Sent or Outcome.Gone) } canary])
                    stopped = $"The first one {Word(canary.Outcome)}: the others were left where they are";
            }
            if (stopped is null && !cancellationToken.IsCancellationRequested)
            {
                await operation.RunAsync(window => replay.DecideAsync(window, cancellationToken), request.Pace, long.MaxValue, cancellationToken);
                if (request.Wait > TimeSpan.Zero && !cancellationToken.IsCancellationRequested)
                {
                    await session.ReleaseAsync(cancellationToken);
                    await ReplayOutcomesAsync(session, replay, operation, request.Wait, cancellationToken);
                }
            }
            return stopped;
        }, cancellationToken);
    }

    /// <summary>Moves dead letters to the queue of the discarded, where they are kept for <see cref="DeadLetterOptions.DiscardedLife"/>.</summary>
    /// <param name="request">Which ones.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it between two messages.</param>
    public async Task<OperationResult> DiscardAsync(DiscardRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        if (request.Queue.EndsWith("_discarded", StringComparison.Ordinal))
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{request.Queue} holds what is discarded already; each message goes by itself after its time");
        if (request.WasSent && _advisor is null)
            throw new DeadLetterException(DeadLetterProblem.Refused, "Nobody here knows what was sent: without a ledger there is nothing to write it to. Discard without it");
        await using var session = await OpenAsync(request.Queue, "discard", request.By, TimeSpan.Zero, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = await session.ReadyAsync(cancellationToken) };
        await GuardLooksAsync(session, passes: 1, cancellationToken);
        var discarded = DiscardedQueue(request.Queue);
        await DeclareDiscardedAsync(session, discarded, cancellationToken);
        var entry = Begin(request, request.WasSent ? "discard as sent" : "discard");
        await _audit.WriteAsync(entry, cancellationToken);
        return await AuditedAsync(entry, operation, () => entry, async () =>
        {
            await operation.RunAsync(async window =>
            {
                var decisions = new List<Decision>(window.Count);
                foreach (var letter in window)
                {
                    decisions.Add(!request.Filter.Matches(letter) ? Decision.Left
                        : request.WasSent && await _advisor!.WasDoneAsync(letter, request.By, cancellationToken) is { } why ? new Decision.Refuse(why)
                        : new Decision.Move("", discarded, Discarded(letter, entry), letter.Body, null));
                }
                return decisions;
            }, null, long.MaxValue, cancellationToken);
            return null;
        }, cancellationToken);
    }

    /// <summary>Moves what was discarded back to the end of the queue that it came from, as it was.</summary>
    /// <param name="request">Which ones; the queue may be the one they came from.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it between two messages.</param>
    public async Task<OperationResult> RestoreAsync(OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        var from = DiscardedQueue(request.Queue);
        await using var session = await OpenAsync(from, "restore", request.By, TimeSpan.Zero, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = await session.ReadyAsync(cancellationToken) };
        await GuardLooksAsync(session, passes: 1, cancellationToken);
        var entry = Begin(request with { Queue = from }, "restore");
        await _audit.WriteAsync(entry, cancellationToken);
        return await AuditedAsync(entry, operation, () => entry, async () =>
        {
            await operation.RunAsync(window => Task.FromResult<IReadOnlyList<Decision>>([.. window.Select(letter =>
                !request.Filter.Matches(letter) || (request.Queue != from && letter.DiscardedFrom != request.Queue) ? Decision.Left
                : letter.DiscardedFrom is { } origin ? new Decision.Move("", origin, Restored(letter), letter.Body, null)
                : new Decision.Refuse("it does not tell which queue it was discarded from"))]), null, long.MaxValue, cancellationToken);
            return null;
        }, cancellationToken);
    }

    /// <summary>Removes messages for good, from any dead-letter queue and that of the discarded too: nothing is kept, and nothing can be restored.</summary>
    /// <param name="request">Which ones.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it between two messages.</param>
    public async Task<OperationResult> RemoveAsync(OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(request.Queue, "remove", request.By, _lookPatience, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = await session.ReadyAsync(cancellationToken) };
        await GuardLooksAsync(session, passes: 1, cancellationToken);
        var entry = Begin(request, "remove");
        await _audit.WriteAsync(entry, cancellationToken);
        return await AuditedAsync(entry, operation, () => entry, async () =>
        {
            await operation.RunAsync(
                window => Task.FromResult<IReadOnlyList<Decision>>([.. window.Select(letter => request.Filter.Matches(letter) ? new Decision.Remove() : Decision.Left)]),
                null, long.MaxValue, cancellationToken);
            return null;
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>The queue for what is discarded from a queue.</summary>
    /// <param name="queue">A dead-letter queue.</param>
    public string DiscardedQueue(string queue) => InputQueueOf(queue) + "_discarded";

    private async Task<OperationResult> AuditedAsync(
        AuditEntry entry, Operation operation, Func<AuditEntry> now, Func<Task<string?>> work, CancellationToken cancellationToken)
    {
        string? stopped = null;
        try
        {
            stopped = await work();
            if (cancellationToken.IsCancellationRequested)
                stopped = "It was cancelled: what was not moved stands where it was";
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            stopped = "It was cancelled: what was not moved stands where it was";
        }
        catch (DeadLetterException e)
        {
            stopped = e.Message;
            throw;
        }
        finally
        {
            await _audit.WriteAsync(now() with
            {
                EndedAt = _time.GetUtcNow(),
                Selected = operation.Selected,
                Done = operation.Done,
                Refused = operation.Refused.Count,
                Problem = stopped ?? "",
                Messages = operation.Messages,
            }, CancellationToken.None);
        }
        return new OperationResult(entry.Id, entry.Queue, operation.Selected, operation.Done, [.. operation.Refused], operation.Replayed, stopped);
    }

    private async Task<long> LookAsync(
        string queue, string verb, string by, long most, Func<DeadLetter, bool> see, IProgress<OperationProgress>? progress, CancellationToken cancellationToken,
        TimeSpan? patience = null)
    {
        await using var session = await OpenAsync(queue, verb, by, patience ?? _lookPatience, cancellationToken);
        var ready = await session.ReadyAsync(cancellationToken);
        await GuardLooksAsync(session, passes: 1, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = Math.Min(ready, most) };
        var goesOn = true;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await operation.RunAsync(async window =>
            {
                foreach (var letter in window)
                {
                    if (goesOn && !(goesOn = see(letter)))
                        await enough.CancelAsync();
                }
                return [.. window.Select(_ => Decision.Left)];
            }, null, long.MaxValue, enough.Token);
        }
        catch (OperationCanceledException) when (!goesOn)
        {
            // What was looked for is found.
        }
        cancellationToken.ThrowIfCancellationRequested();
        return ready;
    }

    private Task<QueueSession> OpenAsync(string queue, string verb, string by, TimeSpan patience, CancellationToken cancellationToken) =>
        QueueSession.OpenAsync(_options, queue, verb, by, patience, HolderAsync, cancellationToken);

    private async Task<string> HolderAsync(string lockQueue, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(_management.QueueAsync(_options.VirtualHost, lockQueue, cancellationToken)) is { } queue && queue.Text("who") is { } who
                ? $"{who} is at work on this queue ({queue.Text("what")}, since {queue.Text("since")})"
                : "Somebody is at work on this queue";
        }
        catch (DeadLetterException)
        {
            return "Somebody is at work on this queue (who, the management API could not tell)";
        }
    }

    // A queue that counts looks and has too few left is left alone; so is one that somebody works off.
    private async Task GuardLooksAsync(QueueSession session, long passes, CancellationToken cancellationToken)
    {
        var queue = await AskAsync(_management.QueueAsync(_options.VirtualHost, session.Queue, cancellationToken))
            ?? throw new DeadLetterException(DeadLetterProblem.NoSuchQueue, $"There is no queue {session.Queue}");
        session.IsQuorum = queue.Type == "quorum";
        if (await session.ConsumersAsync(session.Queue, cancellationToken) > 0)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} has a consumer: somebody works it off, so these are no dead letters. Stop that consumer first, if they are");
        if (Limit(queue, session.BrokerVersion) is not { } limit)
            return;
        if (limit < 1)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} drops a message at its first return (x-delivery-limit {limit} on RabbitMQ {session.BrokerVersion}): nobody can look into it. Give it a policy with a higher delivery-limit, or move its messages by a shovel to a queue without a limit");
        // The message at the head tells how many looks are left; one has to stay for the refusal itself.
        if (await session.PeekAsync(cancellationToken) is { } head && limit - head.Letter.DeliveryCount - passes < 1)
        {
            if (head.Letter.DeliveryCount >= limit)
                await session.RenewAsync(head);
            await session.GiveBackAsync(withTheRest: false);
            throw new DeadLetterException(DeadLetterProblem.Refused, $"Each look at {session.Queue} is counted, and the broker drops a message at its {limit + 1}th return: {Math.Max(limit - head.Letter.DeliveryCount - 1, 0)} looks are left, {passes} would be needed. Raise its delivery-limit by a policy first");
        }
        session.DeliveryLimit = limit;
    }

    private static long? Limit(BrokerQueue queue, Version version)
    {
        if (queue.Type != "quorum")
            return null;
        if (version.Major < 4)
            return queue.DeliveryLimit;
        // From 4.3 on only what is rejected or lost with its channel counts, not what is given back.
        if (version >= new Version(4, 3) || queue.DeliveryLimit is < 0)
            return null;
        return queue.DeliveryLimit ?? DefaultDeliveryLimit;
    }

    // In hand counts too: somebody replays, perhaps, and may give it back.
    private DeadLetterQueue Tell(BrokerQueue queue, IReadOnlyDictionary<string, long> ready) => new(
        queue.Name, ready.GetValueOrDefault(queue.Name, queue.Ready) is > 0 and var now ? now : queue.Unacknowledged, InputQueueOf(queue.Name), queue.Name.EndsWith("_discarded", StringComparison.Ordinal),
        queue.Type == "quorum" && queue.DeliveryLimit is >= 0 and var limit
            ? string.Create(CultureInfo.InvariantCulture, $"The queue has a delivery limit of {limit}: up to RabbitMQ 4.2 each look counts, and after {limit} the broker drops the message")
            : null);

    private string InputQueueOf(string queue)
    {
        var suffix = _options.Suffixes.Append("_discarded").FirstOrDefault(suffix => queue.EndsWith(suffix, StringComparison.Ordinal) && queue.Length > suffix.Length);
        return suffix is null ? queue : queue[..^suffix.Length];
    }

    // As safe as the queue that they come from: replicated where that one is.
    private async Task DeclareDiscardedAsync(QueueSession session, string discarded, CancellationToken cancellationToken)
    {
        if (await AskAsync(_management.QueueAsync(_options.VirtualHost, discarded, cancellationToken)) is not null)
            return;
        var source = await AskAsync(_management.QueueAsync(_options.VirtualHost, session.Queue, cancellationToken));
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = source?.Type == "quorum" ? "quorum" : "classic" };
        if (source?.Type == "quorum" && session.BrokerVersion.Major >= 4)
            arguments["x-delivery-limit"] = -1;
        await session.DeclareAsync(discarded, arguments, cancellationToken);
    }

    private BasicProperties Discarded(DeadLetter letter, AuditEntry entry)
    {
        var headers = Kept(letter, header => !Headers.IsCount(header) && header is not ("CC" or "BCC")); // these would send copies elsewhere
        var properties = new BasicProperties(letter.Properties) { Headers = headers };
        headers[Headers.DiscardedId] = entry.Id;
        headers[Headers.DiscardedBy] = entry.By;
        headers[Headers.DiscardedAt] = entry.At.ToString("O", CultureInfo.InvariantCulture);
        headers[Headers.DiscardedFrom] = letter.Queue;
        foreach (var copies in new[] { "CC", "BCC" })
        {
            if (letter.Properties.Headers?.TryGetValue(copies, out var value) == true)
                headers[Headers.DiscardedPrefix + copies] = value;
        }
        if (properties.IsExpirationPresent())
            headers[Headers.DiscardedExpiration] = properties.Expiration;
        properties.Expiration = ((long)_options.DiscardedLife.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        WithoutUser(properties);
        return properties;
    }

    private static BasicProperties Restored(DeadLetter letter)
    {
        var headers = Kept(letter, header => !Headers.IsCount(header) && !header.StartsWith(Headers.DiscardedPrefix, StringComparison.Ordinal));
        var properties = new BasicProperties(letter.Properties) { Headers = headers };
        if (letter.Header(Headers.DiscardedExpiration) is { } expiration)
            properties.Expiration = expiration;
        else
            properties.ClearExpiration();
        foreach (var copies in new[] { "CC", "BCC" })
        {
            if (letter.Properties.Headers!.TryGetValue(Headers.DiscardedPrefix + copies, out var value))
                headers[copies] = value;
        }
        WithoutUser(properties);
        return properties;
    }

    internal static Dictionary<string, object?> Kept(DeadLetter letter, Func<string, bool> keep) =>
        (letter.Properties.Headers ?? new Dictionary<string, object?>()).Where(header => keep(header.Key)).ToDictionary();

    // The broker takes a user-id from that user's connection only.
    internal static void WithoutUser(BasicProperties properties)
    {
        if (!properties.IsUserIdPresent())
            return;
        properties.Headers!["Original-User-Id"] = properties.UserId;
        properties.ClearUserId();
    }

    private AuditEntry Begin(OperationRequest request, string verb) => new()
    {
        Id = NewId(),
        At = _time.GetUtcNow(),
        By = request.By,
        Verb = verb,
        Queue = request.Queue,
        Filter = request.Filter.ToString(),
    };

    private static string NewId() => Guid.CreateVersion7().ToString("N");

    private async Task ReplayOutcomesAsync(QueueSession session, Replay replay, Operation operation, TimeSpan wait, CancellationToken cancellationToken)
    {
        var outcomes = new Outcomes(_advisor, session, replay.Targets, IsQuietAsync);
        await outcomes.WaitAsync(operation, wait, cancellationToken);
    }

    private async Task<bool> IsQuietAsync(QueueSession session, string queue, CancellationToken cancellationToken) =>
        await session.ReadyAsync(queue, cancellationToken) == 0
        && await AskAsync(_management.QueueAsync(_options.VirtualHost, queue, cancellationToken)) is { Ready: 0, Unacknowledged: 0 };

    /// <summary>The outcome in an operator's words.</summary>
    /// <param name="outcome">The outcome.</param>
    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Sent => "was sent",
        Outcome.Gone => "is gone from its queue and did not fail",
        Outcome.Delayed => "is delayed",
        Outcome.FailedAgain => "failed again",
        _ => "is still waiting",
    };

    private async Task<T?> AskAsync<T>(Task<ApiResponse<T>> request)
        where T : class
    {
        ApiResponse<T> response;
        try
        {
            response = await request;
        }
        catch (Exception e) when (e is HttpRequestException or ApiException or OperationCanceledException { InnerException: TimeoutException })
        {
            throw OutOfReach(e);
        }
        using (response)
        {
            return response.StatusCode switch
            {
                HttpStatusCode.NotFound => null,
                HttpStatusCode.Unauthorized => throw new DeadLetterException(DeadLetterProblem.OutOfReach, $"The management API at {_options.Management} refuses the user {_options.Username}: it needs the tag monitoring, and rights on {_options.VirtualHost}"),
                _ when response is { IsSuccessStatusCode: true, Content: { } content } => content,
                { } status => throw new DeadLetterException(DeadLetterProblem.OutOfReach, $"The management API at {_options.Management} answers {(int)status}", response.Error),
                null => throw OutOfReach(response.Error),
            };
        }
    }

    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The client ends its handler")]
    private static HttpClient ConnectTo(Uri management) => new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = ServerCertificate.Check } })
    {
        BaseAddress = management,
        Timeout = TimeSpan.FromSeconds(20),
    };

    private DeadLetterException OutOfReach(Exception? cause) =>
        new(
            DeadLetterProblem.OutOfReach,
            ServerCertificate.ProblemIn(cause) is { } problem ? $"The management API at {_options.Management} can't be trusted. {problem}"
            : $"The management API is out of reach at {_options.Management}: check the address, and that the plugin runs",
            cause);

    private static DateTimeOffset? Least(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b ?? a : a;

    private static DateTimeOffset? Greatest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b ?? a : a;
}
