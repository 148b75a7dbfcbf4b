using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>The dead letters that the commands show and move: those of a broker (<see cref="BrokerDeadLetters"/>), or those of a server through its HTTP API (<see cref="Remote.ServerDeadLetters"/>).</summary>
internal interface IDeadLetters
{
    /// <summary>Lists the dead-letter queues, non-empty ones first.</summary>
    Task<IReadOnlyList<ListedQueue>> QueuesAsync(CancellationToken cancellationToken);

    /// <summary>Whether the list of the queues lacks those of a source that does not answer. The notices name it.</summary>
    bool IsPartial { get; }

    /// <summary>What to say above a list of the queues, one line each: messages that wait for a later try, operations that run.</summary>
    Task<IReadOnlyList<string>> NoticesAsync(CancellationToken cancellationToken);

    /// <summary>Finds one queue; null if there is none.</summary>
    Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken);

    /// <summary>Whether a queue is of the kind that commands mean without <c>--queue</c>: <c>_error</c> or <c>_discarded</c>.</summary>
    bool IsMeant(DeadLetterQueue queue, string suffix);

    /// <summary>The queue with the discarded messages of a queue.</summary>
    Task<string> DiscardedQueueAsync(string queue, CancellationToken cancellationToken);

    /// <summary>Groups dead letters by cause, the largest first.</summary>
    Task<CausePage> CausesAsync(string queue, DeadLetterFilter filter, CancellationToken cancellationToken);

    /// <summary>Lists dead letters, masked.</summary>
    Task<LetterList> LettersAsync(string queue, DeadLetterFilter filter, int limit, CancellationToken cancellationToken);

    /// <summary>Finds a dead letter by its id or its MessageId.</summary>
    /// <param name="queue">The queue; null: all of them.</param>
    /// <param name="id">The id.</param>
    /// <param name="reveal">Whether to show it unmasked, which the audit log records.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    Task<FoundLetters> FindAsync(string? queue, string id, bool reveal, CancellationToken cancellationToken);

    /// <summary>Finds a dead letter that is to be edited.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    /// <exception cref="WrongUsageException">It can't be edited.</exception>
    Task<EditableLetter> FindEditableAsync(string queue, string id, CancellationToken cancellationToken);

    /// <summary>Writes dead letters as JSON Lines, complete and unmasked, which the audit log records.</summary>
    /// <returns>How many were written.</returns>
    Task<long> ExportAsync(string queue, DeadLetterFilter filter, Stream output, CancellationToken cancellationToken);

    /// <summary>Reads the newest entries of the audit log, masked.</summary>
    /// <returns>Each entry, and, if it has not ended, whether it runs as far as is known.</returns>
    Task<IReadOnlyList<(AuditEntry Entry, string? State)>> AuditAsync(string? queue, int limit, CancellationToken cancellationToken);

    /// <summary>A replay, an edit or a repair.</summary>
    /// <param name="request">What to replay.</param>
    /// <param name="reveal">Whether the dry run of a repair shows the changes unmasked, which the audit log records.</param>
    IOperation Replay(ReplayRequest request, bool reveal);

    IOperation Discard(DiscardRequest request);

    IOperation Restore(OperationRequest request);

    /// <summary>Where the original messages of a repair are, for an operator.</summary>
    string PlaceOfOriginals(string operation);
}

/// <summary>An operation: a dry run, and then the operation itself.</summary>
internal interface IOperation
{
    /// <summary>Makes the dry run. It moves nothing.</summary>
    Task<OperationPlan> PlanAsync(CancellationToken cancellationToken);

    /// <summary>Does what the dry run showed. Without a dry run before, it does what was requested.</summary>
    Task<OperationResult> RunAsync(CancellationToken cancellationToken);
}

/// <summary>What a dry run found.</summary>
/// <param name="Result">What the operation would do.</param>
/// <param name="Repairs">Of a repair: what it would change.</param>
internal sealed record OperationPlan(OperationResult Result, IReadOnlyList<ShownRepair> Repairs);

/// <summary>What a repair would change in the dead letters of a cause.</summary>
/// <param name="Cause">The id of the cause.</param>
/// <param name="Text">The cause in words.</param>
/// <param name="Count">How many would change.</param>
/// <param name="Examples">The lines of the diffs of some of them: the first two characters are “+ ”, “- ” or spaces.</param>
internal sealed record ShownRepair(string Cause, string Text, long Count, IReadOnlyList<(string Id, IReadOnlyList<string> Lines)> Examples);

/// <summary>A dead-letter queue in a list.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Source">Its source at the server; null: of the broker.</param>
internal sealed record ListedQueue(DeadLetterQueue Queue, string? Source);

/// <summary>A part of the dead letters of a queue.</summary>
/// <param name="Ready">How many messages are ready in the queue.</param>
/// <param name="Hidden">How many more RabbitMQ's delayed retry hides.</param>
/// <param name="Matching">How many match the filter; null if that was not counted.</param>
/// <param name="Letters">The first of them.</param>
internal sealed record LetterList(long Ready, long Hidden, long? Matching, IReadOnlyList<ListedLetter> Letters);

/// <summary>A dead letter in a list, masked, as <c>--json</c> prints it. What a server does not know is null.</summary>
internal sealed record ListedLetter(
    string Id, string? MessageId, long? Position, DeadLetterKind? Kind, string? Exception, string Reason, string Cause, DateTimeOffset? FailedAt, string? Expires, IReadOnlyList<string> MessageTypes, int Replays, long Size);

/// <summary>What a search for a dead letter found.</summary>
/// <param name="Letters">The dead letters.</param>
/// <param name="NotSearched">The queues that were not searched, and why.</param>
/// <param name="Known">What the application knows of the message; null if nothing.</param>
internal sealed record FoundLetters(IReadOnlyList<ShownLetter> Letters, IReadOnlyList<string> NotSearched, string? Known);

/// <summary>A dead letter with everything about it.</summary>
/// <param name="Json">One JSON object on one line, as <c>export</c> writes it; masked, it has no body.</param>
/// <param name="Facts">Names and values; a value can be empty.</param>
/// <param name="Sections">Titles and texts.</param>
/// <param name="Parts">Its headers and properties, explained.</param>
internal sealed record ShownLetter(string Json, IReadOnlyList<(string Name, string? Value)> Facts, IReadOnlyList<(string Title, string Text)> Sections, IReadOnlyList<LetterPart> Parts);

/// <summary>A dead letter that can be edited.</summary>
/// <param name="Id">Its id.</param>
/// <param name="RevealAsync">Returns its message as JSON, and records that in the audit log.</param>
internal sealed record EditableLetter(string Id, Func<CancellationToken, Task<string>> RevealAsync);
