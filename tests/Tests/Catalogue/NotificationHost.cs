using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Catalogue;

/// <summary>A catalogue's database, and the letters that the hosts see in it.</summary>
internal sealed class NotificationDatabase : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-notifications-").FullName;

    /// <param name="connectionString">An empty database; null: a SQLite file.</param>
    public NotificationDatabase(string? connectionString = null)
    {
        Look = _ => Task.FromResult(Seen());
        Database.TryParse(connectionString ?? $"Data Source={Path.Combine(_folder, "catalogue.db")}", out var database, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(database!, typeof(CreateTriage).Assembly);
        Options = new CatalogueOptions { Database = database! };
    }

    public CatalogueOptions Options { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero));

    /// <summary>The causes that are there.</summary>
    public List<BoardCause> Causes { get; } = [];

    /// <summary>How many letters are of causes that the board does not list.</summary>
    public long Unlisted { get; set; }

    /// <summary>Whether the catalogue has read its queue.</summary>
    public bool IsWalked { get; set; } = true;

    /// <summary>Whether each broker was compared with the catalogue.</summary>
    public bool HasLooked { get; set; } = true;

    public string AuditPath => Path.Combine(_folder, "audit.jsonl");

    public BoardCause Cause(string id, long count, long recent = 0, string text = "It took {n} s", long failedAgain = 0, params string[] versions) => new()
    {
        Cause = new Cause(id, "System.TimeoutException", text, "Orders.Ship.Send"),
        Count = count,
        First = Time.GetUtcNow(),
        Last = Time.GetUtcNow(),
        Sparkline = [.. Enumerable.Repeat(0L, 59), recent],
        Queues = [new QueueCount("/", "orders_error", count)],
        MessageTypes = ["Orders:PlaceOrder"],
        Versions = versions,
        FailedAgain = failedAgain,
        Example = new LetterAddress("/", "orders_error", "0123456789abcdef"),
    };

    /// <summary>Replaces the causes that are there.</summary>
    public void Set(params BoardCause[] causes)
    {
        Causes.Clear();
        Causes.AddRange(causes);
    }

    /// <summary>What the hosts see: <see cref="Causes"/>, or a real catalogue.</summary>
    public Func<CancellationToken, Task<CatalogueLook>> Look { get; set; }

    private CatalogueLook Seen() => new(
        new Board
        {
            Letters = Causes.Sum(cause => cause.Count) + Unlisted,
            Causes = [.. Causes],
            Queues = [],
            Histogram = [],
            From = Time.GetUtcNow().AddMinutes(-59),
            Step = TimeSpan.FromMinutes(1),
        },
        [new CatalogueQueue { Source = "/", Name = "orders_error", InputQueue = "orders", Messages = 1, WalkedAt = IsWalked ? DateTimeOffset.UnixEpoch : null }]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

/// <summary>A process that watches a catalogue and sends notifications.</summary>
internal sealed class NotificationHost : IAsyncDisposable
{
    private readonly NotificationDatabase _database;
    private readonly CatalogueStore _store;
    private readonly WebhookClient _client;
    private readonly CauseWatch _watch;

    public NotificationHost(NotificationDatabase database, params NotificationReceiver[] receivers)
        : this(database, new NotificationOptions { Receivers = receivers, PublicUrl = new Uri("https://ops.example.com/dead-letters/") })
    {
    }

    public NotificationHost(NotificationDatabase database, NotificationOptions options, TimeSpan? timeout = null)
    {
        _database = database;
        _store = CatalogueStore.Open(database.Options, database.Time);
        var catalogue = new OpenCatalogue(Task.FromResult(_store));
        _client = new WebhookClient(database.Time, timeout ?? TimeSpan.FromSeconds(10));
        Store = new NotificationStore(database.Options, options, catalogue, database.Time);
        Deliveries = new DeliveryQueue(database.Options, catalogue, database.Time);
        Sender = new NotificationSender(catalogue, options, Deliveries, _client, new MailClient(options.MailServer, timeout), NullLogger<NotificationSender>.Instance);
        Triage = new TriageStore(database.Options, catalogue, new AuditFile(database.AuditPath), database.Time);
        _watch = new CauseWatch(catalogue, (_, token) => database.Look(token), Store, Sender, database.Time, NullLogger<CauseWatch>.Instance, () => database.HasLooked);
    }

    public NotificationStore Store { get; }

    public DeliveryQueue Deliveries { get; }

    public NotificationSender Sender { get; }

    public TriageStore Triage { get; }

    /// <summary>Looks at the catalogue and sends what follows.</summary>
    public async Task LookAsync()
    {
        await _watch.LookAsync(default);
        await Sender.SendAsync(default);
    }

    /// <summary>Looks every 5 seconds for a time.</summary>
    public async Task LookForAsync(TimeSpan time)
    {
        for (var end = _database.Time.GetUtcNow() + time; _database.Time.GetUtcNow() < end; _database.Time.Advance(TimeSpan.FromSeconds(5)))
            await LookAsync();
        await LookAsync();
    }

    public Task AcknowledgeAsync(string cause) => Triage.SetAsync(cause, new TriageChange.Acknowledge(), "jane", "orders_error", default);

    public async ValueTask DisposeAsync()
    {
        Sender.Dispose();
        _watch.Dispose();
        _client.Dispose();
        await _store.DisposeAsync();
    }
}
