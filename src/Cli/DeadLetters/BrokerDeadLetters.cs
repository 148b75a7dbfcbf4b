using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>The dead letters of a broker.</summary>
internal sealed class BrokerDeadLetters(CommandContext context) : IDeadLetters
{
    private DeadLetterClient Broker => context.Broker;

    public bool IsPartial => false;

    public async Task<IReadOnlyList<ListedQueue>> QueuesAsync(CancellationToken cancellationToken) =>
        [.. (await Broker.FindQueuesAsync(cancellationToken)).Select(queue => new ListedQueue(queue, null))];

    public async Task<IReadOnlyList<string>> NoticesAsync(CancellationToken cancellationToken) =>
    [
        .. (await Broker.FindDelayQueuesAsync(cancellationToken)).Select(queue => $"{ListCommand.Number(queue.Messages)} wait in {queue.Name} for a later try: they are not dead letters."),
        .. await OperationLines.RunningAsync(context),
    ];

    public Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken) => Broker.FindQueueAsync(queue, cancellationToken);

    // Failed messages may also be in queues with other names: those that DeadLetters__Queues adds.
    public bool IsMeant(DeadLetterQueue queue, string suffix) => suffix == "_error" ? context.Options.Names.IsError(queue.Name) : queue.Name.EndsWith(suffix, StringComparison.Ordinal);

    public Task<string> DiscardedQueueAsync(string queue, CancellationToken cancellationToken) => Task.FromResult(Broker.DiscardedQueue(queue));

    public Task<CausePage> CausesAsync(string queue, DeadLetterFilter filter, CancellationToken cancellationToken) =>
        Progress.ShowAsync(context, "Reading", progress => Broker.GroupAsync(queue, filter, context.By, progress, cancellationToken));

    public async Task<LetterList> LettersAsync(string queue, DeadLetterFilter filter, int limit, CancellationToken cancellationToken)
    {
        var page = await Broker.ListAsync(queue, filter, 0, limit, context.By, cancellationToken);
        return new LetterList(page.Ready, page.Hidden, page.Matching, [.. page.Letters.Select(Listed)]);
    }

    public async Task<FoundLetters> FindAsync(string? queue, string id, bool reveal, CancellationToken cancellationToken)
    {
        DeadLetter[] letters;
        IReadOnlyList<string> notSearched = [];
        if (queue is not null)
        {
            letters = await Broker.FindAsync(queue, id, context.By, cancellationToken) is { } found ? [found] : [];
        }
        else
        {
            var (places, notLookedInto) = await Broker.SearchAsync(id, context.By, cancellationToken);
            (letters, notSearched) = ([.. places.Select(place => place.Letter)], [.. notLookedInto.Select(skipped => $"{skipped.Name}. {skipped.AccessWarning}")]);
        }
        foreach (var letter in reveal ? letters : [])
            await Broker.RevealedAsync(letter, context.By, cancellationToken);
        return new FoundLetters([.. letters.Select(letter => LetterText.Of(letter, reveal))], notSearched, letters.Length > 0 ? null : await Broker.DescribeAsync(id, cancellationToken));
    }

    public async Task<EditableLetter> FindEditableAsync(string queue, string id, CancellationToken cancellationToken)
    {
        var letter = await Broker.FindAsync(queue, id, context.By, cancellationToken) ?? throw new NotFoundException($"Dead letter {id} not found in {queue}");
        var original = letter.MessageJson ?? letter.BodyText;
        if (original is null || !letter.CanBeEdited)
            throw new WrongUsageException($"This message can't be edited: {letter.EditProblem ?? "its JSON is unreadable"}");
        return new EditableLetter(letter.Id, async token =>
        {
            await Broker.RevealedAsync(letter, context.By, token);
            return original;
        });
    }

    public Task<long> ExportAsync(string queue, DeadLetterFilter filter, Stream output, CancellationToken cancellationToken) => Progress.ShowAsync(
        context, "Exporting", progress => Broker.ExportAsync(new OperationRequest { Queue = queue, Filter = filter, By = context.By }, output, progress, cancellationToken));

    public async Task<IReadOnlyList<(AuditEntry Entry, string? State)>> AuditAsync(string? queue, int limit, CancellationToken cancellationToken)
    {
        var entries = await Broker.Audit.ReadAsync(queue, limit, cancellationToken);
        var unended = context.Json ? null : await OperationLines.UnendedAsync(context, entries);
        return
        [
            .. entries.Select(entry => (
                entry with { Original = null, Edited = null, Patch = null, Filter = Masking.Filter(entry.Filter), Problem = Masking.Text(entry.Problem) }, // what users typed is not printed
                unended?.GetValueOrDefault(entry.Id)?.State(DateTimeOffset.UtcNow))),
        ];
    }

    public IOperation Replay(ReplayRequest request, bool reveal) => new BrokerReplay(context, request, reveal);

    public IOperation Discard(DiscardRequest request) => new BrokerMove(
        context, "discard", request, request.Queue, (progress, token) => Broker.PlanDiscardAsync(request, progress, token),
        (counted, progress, token) => Broker.DiscardAsync((DiscardRequest)counted, progress, token));

    public IOperation Restore(OperationRequest request)
    {
        var from = Broker.DiscardedQueue(request.Queue);
        return new BrokerMove(
            context, "restore", request, from,
            async (_, token) =>
            {
                var page = await Broker.ListAsync(from, request.Filter, 0, 1, context.By, token);
                return new OperationResult("", request.Queue, page.Matching, page.Matching, [], [], null) { Held = page.Ready + page.Hidden };
            },
            Broker.RestoreAsync);
    }

    public string PlaceOfOriginals(string operation) => context.Audit.PlaceOfOriginals(operation);

    private static ListedLetter Listed(DeadLetter letter)
    {
        var view = new LetterView(letter, false);
        return new ListedLetter(
            letter.Id, view.MessageId, letter.Position, letter.Kind, letter.ExceptionType, view.Reason, letter.Cause.Id, letter.FailedAt, letter.Expires(DateTimeOffset.UtcNow), letter.MessageTypes, letter.LastReplay?.Count ?? 0, letter.Body.Length);
    }
}
