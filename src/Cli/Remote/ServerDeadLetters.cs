using System.Globalization;
using System.Text.Json;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>The dead letters of a server, through its HTTP API. Lists come from its catalogue; personal data is masked there.</summary>
/// <param name="context">The command.</param>
/// <param name="api">The API.</param>
/// <param name="acceptsCost">Whether the server may read a queue although that has a cost: it counts toward a delivery limit, or hides messages.</param>
internal sealed class ServerDeadLetters(CommandContext context, ServerClient api, bool acceptsCost = true) : IDeadLetters
{
    private const int PageSize = 500;
    private const int AuditPages = 200;

    private readonly ServerQueues _queues = new(api);

    private string Confirmed => acceptsCost ? "&confirm=true" : "";

    public bool IsPartial => _queues.IsPartial;

    public async Task<IReadOnlyList<ListedQueue>> QueuesAsync(CancellationToken cancellationToken)
    {
        var known = await _queues.AllAsync(cancellationToken);
        if (known is { Queues.Count: 0, Problems.Count: > 0 })
            throw new ServerException(string.Join('\n', known.Problems.Select(problem => $"{problem.Source}: {problem.Problem}")), ExitCode.Unreachable);
        return [.. known.Queues.Select(queue => new ListedQueue(ServerAnswers.Queue(queue), queue.Source))];
    }

    public async Task<IReadOnlyList<string>> NoticesAsync(CancellationToken cancellationToken)
    {
        var operations = (await api.GetAsync<ApiOperations>("operations", cancellationToken)).Operations.Where(operation => operation is { IsDryRun: false, State: ApiState.Running or ApiState.Paused or ApiState.Interrupted });
        return
        [
            .. (await _queues.AllAsync(cancellationToken)).Problems.Select(problem => $"{problem.Source}: {problem.Problem}"),
            .. operations.Select(operation => $"{operation.Title}, by {operation.By}, since {ListCommand.Time(operation.StartedAt)}: {operation.State.ToString().ToLowerInvariant()}."),
        ];
    }

    public async Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken) =>
        (await _queues.PlacesAsync(queue, cancellationToken)).FirstOrDefault() is { } found ? ServerAnswers.Queue(found) : null;

    public bool IsMeant(DeadLetterQueue queue, string suffix) => suffix == "_discarded" ? queue.IsDiscarded : !queue.IsDiscarded && !queue.Name.EndsWith("_skipped", StringComparison.Ordinal);

    public Task<string> DiscardedQueueAsync(string queue, CancellationToken cancellationToken) => _queues.DiscardedAsync(queue, cancellationToken);

    public async Task<CausePage> CausesAsync(string queue, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        if (filter.Text is not null || filter.Ids is not null)
            throw new WrongUsageException("--groups with text= or id= can't be combined with --server: list the dead letters without --groups");
        await FindAsync(queue, cancellationToken);
        var query = filter.IsEmpty ? "" : $"&q={Uri.EscapeDataString(Conditions.Query(filter))}";
        var causes = await api.GetAsync<ApiCauses>($"causes?{await PlaceAsync(queue, cancellationToken)}{Confirmed}{query}", cancellationToken);
        foreach (var notice in causes.Notices)
            await Terminal.ErrorAsync(notice);
        return new CausePage([.. causes.Causes.Select(ServerAnswers.Group)], causes.Letters, causes.Letters);
    }

    public async Task<LetterList> LettersAsync(string queue, DeadLetterFilter filter, int limit, CancellationToken cancellationToken)
    {
        var (source, found) = await FindAsync(queue, cancellationToken);
        var (letters, cursor) = (new List<ListedLetter>(), (string?)null);
        do
        {
            var page = await api.PostAsync<ApiLetters>(
                "letters/search", new Dictionary<string, object?> { ["q"] = Conditions.Query(filter, source, queue), ["cursor"] = cursor, ["limit"] = Math.Min(limit - letters.Count, PageSize) }, cancellationToken);
            letters.AddRange(page.Letters.Select(ServerAnswers.Listed));
            cursor = page.NextCursor;
        }
        while (cursor is not null && letters.Count < limit);
        return new LetterList(found?.Messages ?? letters.Count, found?.Hidden ?? 0, cursor is null ? letters.Count : filter.IsEmpty ? found?.InCatalogue : null, letters);
    }

    public async Task<FoundLetters> FindAsync(string? queue, string id, bool reveal, CancellationToken cancellationToken)
    {
        Conditions.CheckId(id);
        if (queue is not null)
            return new FoundLetters(await ShowAsync($"{await PlaceAsync(queue, cancellationToken)}", id, reveal, cancellationToken) is { } one ? [one] : [], [], null);
        var found = await api.GetAsync<ApiFound>($"find?id={Uri.EscapeDataString(id)}", cancellationToken);
        var letters = new List<ShownLetter>();
        foreach (var place in found.Places.Where(place => api.Address.Source is null || place.Source == api.Address.Source))
        {
            if (await ShowAsync(Place(place.Queue, place.Source), place.Id, reveal, cancellationToken) is { } letter)
                letters.Add(letter);
        }
        return new FoundLetters(letters, [.. found.NotSearched, .. found.Problems], found.Known);
    }

    public async Task<EditableLetter> FindEditableAsync(string queue, string id, CancellationToken cancellationToken)
    {
        Conditions.CheckId(id);
        var place = Place(queue, await _queues.SourceOfActAsync(queue, cancellationToken)); // refuses before the reveal, and before the user writes
        var letter = await DetailsAsync(place, id, reveal: false, cancellationToken) ?? throw new NotFoundException($"Dead letter {id} not found in {queue}");
        if (!letter.CanBeEdited)
            throw new WrongUsageException("This message can't be edited with --server: it is not JSON, larger than 1 MB, or discarded");
        return new EditableLetter(letter.Letter.Id, async token =>
            await DetailsAsync(place, letter.Letter.Id, reveal: true, token) is { } revealed ? MessageOf(revealed)
                : throw new NotFoundException($"Dead letter {id} is no longer in {queue}"));
    }

    public async Task<long> ExportAsync(string queue, DeadLetterFilter filter, Stream output, CancellationToken cancellationToken)
    {
        if (filter.Text is not null || filter.Ids is not null)
            throw new WrongUsageException("export with text= or id= can't be combined with --server: export the cause, or the complete queue");
        return await api.CopyLinesAsync($"export?{await PlaceAsync(queue, cancellationToken)}{Confirmed}{Conditions.Parameters(filter)}", output, cancellationToken);
    }

    public async Task<IReadOnlyList<(AuditEntry Entry, string? State)>> AuditAsync(string? queue, int limit, CancellationToken cancellationToken)
    {
        var (entries, cursor) = (new List<ApiAuditEntry>(), "");
        for (var page = 0; page < AuditPages; page++)
        {
            var place = queue is null ? "" : await PlaceAsync(queue, cancellationToken);
            var read = await api.GetAsync<ApiAudit>($"audit?{place}{cursor}", cancellationToken);
            entries.AddRange(read.Entries);
            if (read.NextCursor is not { } next || entries.Count >= limit)
                break;
            cursor = $"&cursor={Uri.EscapeDataString(next)}";
        }
        return [.. entries.Take(limit).Select(entry => (ServerAnswers.Entry(entry), entry.State))];
    }

    public IOperation Replay(ReplayRequest request, bool reveal) => reveal
        ? throw new WrongUsageException("--reveal and --server can't be combined in a repair: the server shows the changes masked")
        : new ServerOperation(context, api, this, request.Queue, OperationBody.Of(request));

    public IOperation Discard(DiscardRequest request) => new ServerOperation(context, api, this, request.Queue, OperationBody.Of(request));

    public IOperation Restore(OperationRequest request) => new ServerOperation(context, api, this, request.Queue, OperationBody.Of(request));

    public string PlaceOfOriginals(string operation) => $"at the server, with the entry {operation} of its audit log: {new Uri(api.Address.Pages, "audit")}";

    // Null: a broker that does not answer may have it. The catalogue lists its letters.
    private async Task<(string? Source, ApiQueue? Queue)> FindAsync(string queue, CancellationToken cancellationToken)
    {
        var source = await _queues.SourceAsync(queue, cancellationToken);
        var found = (await _queues.PlacesAsync(queue, cancellationToken)).FirstOrDefault(place => place.Source == source);
        return found is not null || (await _queues.KnownAsync(cancellationToken)).Problems.Count > 0 ? (source, found) : throw new ServerException($"Queue {queue} not found", ExitCode.WrongUsage);
    }

    /// <inheritdoc cref="ServerQueues.SourceOfActAsync"/>
    public Task<string?> SourceOfActAsync(string queue, CancellationToken cancellationToken) => _queues.SourceOfActAsync(queue, cancellationToken);

    // Not the message as it is shown: that is cut to a readable length.
    private static string MessageOf(ApiLetterDetails letter) =>
        letter.Line is { ValueKind: JsonValueKind.Object } line && line.TryGetProperty("message", out var message) ? message.GetRawText()
        : throw new ServerException("The server did not send the complete message, so it can't be edited. Use the version of the server", ExitCode.WrongUsage);

    private static string Place(string queue, string? source) => $"queue={Uri.EscapeDataString(queue)}{(source is null ? "" : $"&source={Uri.EscapeDataString(source)}")}";

    private async Task<string> PlaceAsync(string queue, CancellationToken cancellationToken) => Place(queue, await _queues.SourceAsync(queue, cancellationToken));

    private async Task<ShownLetter?> ShowAsync(string place, string id, bool reveal, CancellationToken cancellationToken) =>
        await DetailsAsync(place, id, reveal, cancellationToken) is { } letter ? ServerLetterText.Of(letter) : null;

    private async Task<ApiLetterDetails?> DetailsAsync(string place, string id, bool reveal, CancellationToken cancellationToken)
    {
        try
        {
            return await api.GetAsync<ApiLetterDetails>($"letters/{Uri.EscapeDataString(id)}?{place}&line=true{Confirmed}{(reveal ? "&reveal=true" : "")}", cancellationToken);
        }
        catch (ServerException e) when (e.IsNotFound)
        {
            return null;
        }
    }
}
