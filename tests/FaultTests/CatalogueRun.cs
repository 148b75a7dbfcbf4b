using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>
/// One run: Web with a catalogue over three dead-letter queues of another application, while letters arrive, and two operators replay, discard and
/// restore them: one on the host's pages, one with the client in this process, as the command does. At the end, the queues are compared with the
/// catalogue, and with what was published.
/// </summary>
internal sealed class CatalogueRun : IAsyncDisposable
{
    private const int MostInDoubt = 256; // messages that an operation has published and that are not confirmed yet
    private static readonly IReadOnlyList<string> _queues = [.. DeadLetterFill.Names.Take(3)];

    private readonly ConcurrentDictionary<string, Published> _published = new(); // by MessageId
    private readonly CancellationTokenSource _ending = new();
    private readonly DeadLetterClient _client;
    private readonly CatalogueStore _store;
    private readonly List<Task> _load = [];
    private int _acts;
    private int _actsOnPages;

    private CatalogueRun(WorkinItSystem system, string database)
    {
        (System, Host) = (system, system.NewWeb());
        var broker = DeadLetterOptions.Parse(system.VirtualHost.ConnectionString("operator"), system.Broker.Management.BaseAddress!);
        _client = new DeadLetterClient(broker, new AuditFile(Path.Combine(system.Folder, "command-audit.jsonl")));
        _store = new CatalogueStore(new CatalogueOptions { Database = Database.Parse(database) }, TimeProvider.System);
    }

    public WorkinItSystem System { get; }

    /// <summary>The process with the catalogue and its pages.</summary>
    public ServiceProcess Host { get; }

    /// <summary>Starts the host and the load.</summary>
    /// <param name="broker">The broker; the run disposes of it.</param>
    public static async Task<CatalogueRun> StartAsync(TestBroker broker)
    {
        var system = await WorkinItSystem.CreateAsync(broker);
        DeadLetterPages.AddTo(system);
        var database = $"Data Source={Path.Combine(system.Folder, "catalogue.db")}";
        system.Settings["ConnectionStrings__DeadLetters"] = system.VirtualHost.ConnectionString("operator");
        system.Settings["ConnectionStrings__Catalogue"] = database;
        system.Settings["DeadLetters__OutcomeWait"] = "00:00:01"; // nothing consumes what is replayed
        await system.PrepareAsync();
        await new DeadLetterFill(system.VirtualHost).DeclareAsync(_queues.Count);
        var run = new CatalogueRun(system, database);
        await run.Host.StartAsync();
        run._load.AddRange([run.FailAsync(), run.ActAsync(), run.ActOnPagesAsync()]);
        return run;
    }

    /// <summary>Waits until the catalogue has letters that it did not have when this was called, and both operators have done something.</summary>
    public async Task SeeProgressAsync()
    {
        var (letters, acts, onPages) = (await KnownAsync(), _acts, _actsOnPages);
        await Eventually.SeeAsync(
            async () => (Letters: await KnownAsync(), Acts: Volatile.Read(ref _acts), OnPages: Volatile.Read(ref _actsOnPages)),
            now => now.Letters > letters && now.Acts > acts && now.OnPages > onPages, "the catalogue grows, and operators act", TimeSpan.FromMinutes(2));
    }

    /// <summary>Ends the load, waits until the catalogue has come to rest, and compares it with the queues letter by letter.</summary>
    /// <param name="fault">What was done, for the output.</param>
    /// <param name="interruptions">How many operations may have been interrupted between publishing a message and taking it off its queue.</param>
    public async Task SettleAsync(string fault, int interruptions)
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_load);
        var there = new List<DeadLetter>();
        var queues = await Eventually.SeeAsync(ExistingAsync, all => all.Count >= _queues.Count, "the dead-letter queues");
        foreach (var queue in queues)
            there.AddRange(await SeeAgreesAsync(queue));
        (await _store.Reader.LettersAsync(CatalogueQuery.All, 0, 1, default)).Matching.ShouldBe(there.Count, "the catalogue has letters in other queues");
        await SeeOnBoardAsync(there.Count);

        var replayed = new List<BasicGetResult>();
        foreach (var queue in _queues)
            replayed.AddRange(await System.VirtualHost.TakeAllAsync(DeadLetterFill.InputOf(queue)));
        var doubled = ShouldBeUntouched(there, replayed);
        doubled.ShouldBeLessThanOrEqualTo(MostInDoubt * interruptions);
        var former = await FormerAsync();
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"  {fault}: {_published.Count} messages published, {_acts} operations of the command and {_actsOnPages} of the pages; {there.Count} in {queues.Count} dead-letter queues, all as in the catalogue; {replayed.Count} replayed; 0 lost, {doubled} twice; {former}"));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_load).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _store.DisposeAsync();
        _client.Dispose();
        await System.DisposeAsync();
        _ending.Dispose();
    }

    // Waits until the catalogue and a reader of the queue have the same letters. Returns them.
    private async Task<IReadOnlyList<DeadLetter>> SeeAgreesAsync(string queue)
    {
        IReadOnlyList<DeadLetter> read = [];
        var difference = await Eventually.SeeAsync(
            async () =>
            {
                var row = (await _store.Reader.QueuesAsync(default)).SingleOrDefault(row => row.Name == queue);
                if (row is not { IsComplete: true }) // a read would end the catalogue's own
                    return $"{queue} is not complete: {row}";
                try
                {
                    read = (await _client.ListAsync(queue, DeadLetterFilter.All, 0, int.MaxValue, "test", default)).Letters;
                }
                catch (DeadLetterException e)
                {
                    return e.Message;
                }
                var known = await _store.Reader.IdsAsync(CatalogueQuery.All, System.VirtualHost.Name, queue, default);
                var ids = read.Select(letter => letter.Id).ToList();
                return known.Count == ids.Count && known.ToHashSet().SetEquals(ids) ? "" : $"{ids.Except(known).Count()} letters are only in the queue, {known.Except(ids).Count()} only in the catalogue";
            },
            difference => difference.Length == 0, $"the catalogue agrees with {queue}", TimeSpan.FromMinutes(2));
        difference.ShouldBeEmpty();
        return read;
    }

    private async Task SeeOnBoardAsync(int letters)
    {
        using var reader = await SignedInAsync();
        await Eventually.SeeAsync(
            async () => (await reader.GetAsync("/dead-letters")).Text, text => text.Contains(string.Create(CultureInfo.InvariantCulture, $"Dead letters {letters:N0} "), StringComparison.Ordinal), $"the board shows {letters} dead letters");
    }

    // Each message is in a dead-letter queue as it was published, or in an input queue with the same body. Returns how many are twice.
    private int ShouldBeUntouched(List<DeadLetter> there, List<BasicGetResult> replayed)
    {
        foreach (var letter in there)
        {
            var published = _published[letter.MessageId!];
            published.Headers.Where(header => letter.Header(header.Key) != header.Value).ShouldBeEmpty();
            letter.Body.Span.SequenceEqual(published.Body).ShouldBeTrue();
        }
        foreach (var message in replayed)
            message.Body.Span.SequenceEqual(_published[message.BasicProperties.MessageId!].Body).ShouldBeTrue();
        var found = there.Select(letter => letter.MessageId!).Concat(replayed.Select(message => message.BasicProperties.MessageId!)).CountBy(id => id).ToDictionary();
        _published.Where(message => found.GetValueOrDefault(message.Key) < message.Value.Confirmed).Select(message => message.Key).ShouldBeEmpty("lost");
        return found.Sum(message => Math.Max(0, message.Value - _published[message.Key].Tried));
    }

    private async Task<string> FormerAsync()
    {
        var states = new List<string>();
        foreach (var state in new[] { LetterState.Replayed, LetterState.Discarded, LetterState.Restored, LetterState.Gone })
        {
            var letters = await _store.Reader.LettersAsync(CatalogueQuery.All with { State = state }, 0, 1, default);
            states.Add(string.Create(CultureInfo.InvariantCulture, $"{letters.Matching} {state.ToString().ToLowerInvariant()}"));
        }
        return "in the catalogue also " + string.Join(", ", states);
    }

    private async Task<long> KnownAsync() => (await _store.Reader.LettersAsync(CatalogueQuery.All with { State = null }, 0, 1, default)).Matching;

    private async Task<IReadOnlyList<string>> ExistingAsync()
    {
        var existing = new List<string>();
        foreach (var queue in _queues.SelectMany(queue => new[] { queue, DeadLetterFill.InputOf(queue) + "_discarded" }))
        {
            if (await System.VirtualHost.ReadyAsync(queue) >= 0)
                existing.Add(queue);
        }
        return existing;
    }

    // Up to a hundred a second. Every tenth one is published twice, identical and without confirms: the client marks those that it confirms.
    private async Task FailAsync()
    {
        await using var virtualHost = new TestVirtualHost(System.Broker, System.VirtualHost.Name); // with a connection of its own
        IChannel? confirming = null, plain = null;
        for (var number = 0; !_ending.IsCancellationRequested; number++)
        {
            var queue = _queues[number % _queues.Count];
            var (properties, body) = DeadLetterFill.Message(queue, number, DateTimeOffset.UtcNow);
            var message = _published[properties.MessageId!] = new Published(properties.Headers!.ToDictionary(header => header.Key, header => (string)header.Value!), body);
            try
            {
                if (number % 10 != 0)
                {
                    message.Tried = 1;
                    confirming ??= await virtualHost.OpenChannelAsync(confirms: true);
                    await confirming.BasicPublishAsync(queue, "", mandatory: true, properties, body);
                    message.Confirmed = 1;
                }
                for (; number % 10 == 0 && message.Tried < 2; message.Tried++)
                {
                    plain ??= await virtualHost.OpenChannelAsync();
                    await plain.BasicPublishAsync(queue, "", mandatory: false, properties, body);
                }
            }
            catch (Exception e) when (IsOfTheBroker(e))
            {
                (confirming, plain) = (null, null); // the message may be in its queue
                message.Tried = Math.Max(1, message.Tried);
                await PauseAsync(200);
            }
            await PauseAsync(10);
        }
    }

    // The operator with the command.
    private async Task ActAsync()
    {
        var random = new Random(5);
        while (!_ending.IsCancellationRequested)
        {
            var (queue, some) = Choose(random);
            try
            {
                var done = random.Next(4) switch
                {
                    0 => (await _client.DiscardAsync(new DiscardRequest { Queue = queue, Filter = some, By = "joe" }, null, default)).Done,
                    1 => (await _client.RestoreAsync(new OperationRequest { Queue = queue, Filter = DeadLetterFilter.All, By = "joe" }, null, default)).Done,
                    _ => (await _client.ReplayAsync(new ReplayRequest { Queue = queue, Filter = some, By = "joe", Wait = TimeSpan.Zero, AllAtOnce = true }, null, default)).Done,
                };
                if (done > 0)
                    Interlocked.Increment(ref _acts);
            }
            catch (Exception e) when (e is DeadLetterException || IsOfTheBroker(e))
            {
                // The queue is being read, does not exist yet, or the broker is away.
            }
            await PauseAsync(300);
        }
    }

    // The operator on the pages: the dry run and the run, which a kill of the host interrupts.
    private async Task ActOnPagesAsync()
    {
        var random = new Random(7);
        PageClient? client = null;
        while (!_ending.IsCancellationRequested)
        {
            var (queue, some) = Choose(random);
            try
            {
                client ??= await SignedInAsync();
                if ((await client.GetAsync("/dead-letters")).Status != HttpStatusCode.OK)
                {
                    await PauseAsync(15_000); // sign-in attempts are limited
                    client = await SignedInAsync();
                }
                var dryRun = await client.PostAsync($"/dead-letters/queues/{queue}/{(random.Next(3) == 0 ? "discard" : "replay")}", ("which", "filter"), ("cause", some.Cause!), ("atonce", "true")); // in steps, it would pause: nobody consumes
                if (IsOperation(dryRun) && IsOperation(await client.PostAsync(dryRun.Location + "/run", ("atonce", "true"))))
                    Interlocked.Increment(ref _actsOnPages);
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // The host is dead, or has just started.
            }
            await PauseAsync(300);
        }
        client?.Dispose();
    }

    private static bool IsOperation(Answer answer) => answer is { Status: HttpStatusCode.SeeOther, Location: { } page } && page.Contains("/operations/", StringComparison.Ordinal);

    private async Task<PageClient> SignedInAsync()
    {
        var client = new PageClient(Host.Address);
        await client.SignInAsync("operator");
        return client;
    }

    [SuppressMessage("Security", "CA5394:Do not use insecure randomness", Justification = "Any choice is right")]
    private static (string Queue, DeadLetterFilter Some) Choose(Random random)
    {
        var cause = random.Next(DeadLetterFill.Causes);
        return (_queues[cause % _queues.Count], new DeadLetterFilter { Cause = DeadLetterFill.CauseIdOf(cause) }); // as FailAsync distributes them
    }

    private async Task PauseAsync(int milliseconds) => await Task.Delay(milliseconds, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static bool IsOfTheBroker(Exception e) => e is RabbitMQClientException or IOException or SocketException or OperationCanceledException or TimeoutException;

    /// <summary>A message that was published.</summary>
    /// <param name="Headers">Its headers.</param>
    /// <param name="Body">Its body.</param>
    private sealed record Published(IReadOnlyDictionary<string, string> Headers, byte[] Body)
    {
        /// <summary>How often it was published.</summary>
        public int Tried { get; set; }

        /// <summary>How often the broker has confirmed it.</summary>
        public int Confirmed { get; set; }
    }
}
