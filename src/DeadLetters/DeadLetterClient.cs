namespace WorkinIt.DeadLetters;

/// <summary>
/// Lists, replays, edits, discards, restores, exports and imports the dead letters of one virtual host, for any MassTransit application. A
/// move can be interrupted: no message leaves its queue before its copy is confirmed. A message that was published and not confirmed, or not
/// acked, is where it was, and may be in its target queue too: see <see cref="AuditEntry.Doubts"/> before you run the operation again.
/// </summary>
public sealed partial class DeadLetterClient : IDisposable
{
    private readonly ManagementClient _management;
    private readonly ReportInbox _reports;
    private readonly DeadLetterServices _services;
    private readonly AuditedOperations _audited;
    private readonly SetupCheck _setup;
    private readonly QueueFinder _queues;
    private readonly QueueReader _reader;
    private readonly Exporter _exporter;
    private readonly Importer _importer;
    private readonly Replayer _replayer;
    private readonly Copier _copier;
    private readonly Discarder _discarder;

    /// <summary>Creates a client for one virtual host.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="audit">The audit log that records the operations.</param>
    /// <param name="advisor">Adds what only the application knows; null for none.</param>
    /// <param name="time">The clock.</param>
    public DeadLetterClient(DeadLetterOptions options, IAuditLog audit, IReplayAdvisor? advisor = null, TimeProvider? time = null)
    {
        _management = new ManagementClient(options);
        _reports = new ReportInbox(options);
        _services = new DeadLetterServices(options, new GuardedAudit(audit), advisor, time ?? TimeProvider.System, _management, _reports);
        _setup = new SetupCheck(_services, audit);
        var access = new QueueAccess(_services);
        _audited = new AuditedOperations(_services);
        _queues = new QueueFinder(_services);
        _reader = new QueueReader(_services, access, _queues);
        _exporter = new Exporter(_services, _reader, _audited);
        _importer = new Importer(_services, _reader, _audited);
        _replayer = new Replayer(_services, access, _reader, _audited);
        _copier = new Copier(_services, access, _audited);
        _discarder = new Discarder(_services, access, _audited);
    }

    /// <summary>What the parts of the client share, for the catalogue.</summary>
    internal DeadLetterServices Services => _services;

    /// <summary>Reads queues, for the catalogue.</summary>
    internal QueueReader Reader => _reader;

    /// <summary>The audit log.</summary>
    public IAuditLog Audit => _services.Audit;

    /// <summary>Lists the dead-letter queues, non-empty ones first.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The management API does not answer.</exception>
    public Task<IReadOnlyList<DeadLetterQueue>> FindQueuesAsync(CancellationToken cancellationToken) =>
        _queues.FindQueuesAsync(cancellationToken);

    /// <summary>Lists the non-empty queues in which messages wait for a later try, as the management API counts them.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    internal Task<IReadOnlyList<(string Name, long Messages)>> FindDelayQueuesAsync(CancellationToken cancellationToken) =>
        _queues.FindDelayQueuesAsync(cancellationToken);

    /// <summary>Finds one queue; null if there is none.</summary>
    /// <param name="queue">The queue's name.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken) =>
        _queues.FindQueueAsync(queue, cancellationToken);

    /// <summary>Lists a page of dead letters. Every message returns to its place.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which messages.</param>
    /// <param name="skip">How many matching messages to skip.</param>
    /// <param name="take">The page size.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="most">The maximum number of messages to read, from the head of the queue.</param>
    public Task<DeadLetterPage> ListAsync(
        string queue, DeadLetterFilter filter, long skip, int take, string by, CancellationToken cancellationToken, long most = long.MaxValue) =>
        _reader.ListAsync(queue, filter, skip, take, by, cancellationToken, most);

    /// <summary>Groups dead letters by cause.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which messages.</param>
    /// <param name="by">The operator.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="most">The maximum number of messages to read, from the head of the queue.</param>
    public Task<CausePage> GroupAsync(
        string queue, DeadLetterFilter filter, string by, IProgress<OperationProgress>? progress, CancellationToken cancellationToken, long most = long.MaxValue) =>
        _reader.GroupAsync(queue, filter, by, progress, cancellationToken, most);

    /// <summary>Finds one dead letter by its id or its MessageId; the first in the queue if there are several.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The dead letter's id, or a MessageId.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<DeadLetter?> FindAsync(string queue, string id, string by, CancellationToken cancellationToken) =>
        _reader.FindAsync(queue, id, by, cancellationToken);

    /// <summary>Searches all dead-letter queues for messages with an id.</summary>
    /// <param name="id">A MessageId, or a dead letter's id.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<SearchResult> SearchAsync(string id, string by, CancellationToken cancellationToken) =>
        _reader.SearchAsync(id, by, cancellationToken);

    /// <summary>Describes what the application knows about a message, wherever it is; null if it has no record of the message.</summary>
    /// <param name="messageId">The MessageId.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<string?> DescribeAsync(string messageId, CancellationToken cancellationToken) =>
        _services.Advisor?.DescribeAsync(messageId, cancellationToken) ?? Task.FromResult<string?>(null);

    /// <summary>Exports dead letters as JSON Lines, one object per line, complete and unmasked. The audit log records the export.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="output">The stream to write to.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>How many messages were exported.</returns>
    public Task<long> ExportAsync(OperationRequest request, Stream output, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _exporter.ExportAsync(request, output, progress, cancellationToken);

    /// <summary>Records in the audit log that an operator has revealed the masked values of a message.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task RevealedAsync(DeadLetter letter, string by, CancellationToken cancellationToken)
    {
        var entry = _audited.Begin(new OperationRequest { Queue = letter.Queue, Filter = DeadLetterFilter.ById(letter.Id), By = by }, "reveal");
        return _services.Audit.WriteAsync(entry with { EndedAt = entry.At, Selected = 1, Done = 1, Messages = [letter.MessageId ?? letter.Id] }, cancellationToken);
    }

    /// <summary>Dry run: reports what a replay would do. Every message returns to its place.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<OperationResult> PlanAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _replayer.PlanAsync(request, progress, cancellationToken);

    /// <summary>
    /// Replays dead letters: publishes each message to the exchange of the queue that it failed in, waits for the confirm, then acks it. The body
    /// stays the same, except for a redelivery count in it, which is removed. Headers that describe the failed try are removed, and the replay
    /// headers are added. All other headers stay, except <c>CC</c> and <c>BCC</c>, which would send copies to other queues and are renamed.
    /// </summary>
    /// <param name="request">The replay.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    /// <exception cref="DeadLetterException">
    /// The replay could not start, or the connection to the broker was lost. Each message is where it was or in its target queue; those that may be in
    /// both are in <see cref="AuditEntry.Doubts"/>.
    /// </exception>
    public Task<OperationResult> ReplayAsync(ReplayRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _replayer.ReplayAsync(request, progress, cancellationToken);

    /// <summary>Dry run: reports what a discard would do. Every message returns to its place.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<OperationResult> PlanDiscardAsync(DiscardRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _discarder.PlanAsync(request, progress, cancellationToken);

    /// <summary>Moves dead letters to the <c>_discarded</c> queue, where they are kept for <see cref="DeadLetterOptions.DiscardedLife"/>.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public Task<OperationResult> DiscardAsync(DiscardRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _discarder.DiscardAsync(request, progress, cancellationToken);

    /// <summary>Moves discarded messages back to the end of the queue that they came from, as they were.</summary>
    /// <param name="request">Which messages. The queue may be the <c>_discarded</c> queue, or the queue that they came from.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public Task<OperationResult> RestoreAsync(OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _discarder.RestoreAsync(request, progress, cancellationToken);

    /// <summary>Deletes messages permanently from any dead-letter queue, including <c>_discarded</c> queues. They can't be restored.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    public Task<OperationResult> RemoveAsync(OperationRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _discarder.RemoveAsync(request, progress, cancellationToken);

    /// <summary>The <c>_discarded</c> queue for a queue.</summary>
    /// <param name="queue">A dead-letter queue.</param>
    internal string DiscardedQueue(string queue) =>
        _discarder.DiscardedQueue(queue);

    /// <summary>
    /// Adds exported dead letters to the end of the queue that they came from, as they were: headers with their types, body byte for byte.
    /// Messages that are already in the queue are skipped, so an interrupted import can be run again.
    /// </summary>
    /// <param name="request">The queue to import to, and whether this is a dry run.</param>
    /// <param name="file">The output of <see cref="ExportAsync"/>; must be seekable, because it is read twice.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    /// <exception cref="DeadLetterException">A line can't be read; in this case, nothing was imported.</exception>
    public Task<ImportResult> ImportAsync(ImportRequest request, Stream file, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _importer.ImportAsync(request, file, progress, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _management.Dispose();
        _reports.Dispose();
    }
}
