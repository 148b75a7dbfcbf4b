using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Storage;
using NewLetter = WorkinIt.DeadLetters.Catalogue.Store.NewLetter;

namespace WorkinIt.Testbed;

/// <summary>
/// The pages over a catalogue in a SQLite file, in this process, without a broker: nothing answers at its address, so a page that reads a queue fails.
/// Everyone is signed in as Erin, an operator, unless the header <c>X-Role</c> names another role.
/// </summary>
public sealed class CatalogueSite : IAsyncDisposable
{
    /// <summary>The name of the default source.</summary>
    public const string Source = "shop";

    private readonly WebApplication _app;
    private readonly string _folder;

    private CatalogueSite(WebApplication app, string folder) => (_app, _folder) = (app, folder);

    /// <summary>The audit log that the pages use: the catalogue's, or the file.</summary>
    public IAuditLog Audit => _app.Services.GetRequiredService<IAuditLog>();

    /// <summary>The file of the audit log.</summary>
    public string AuditPath => Path.Combine(_folder, "audit.jsonl");

    /// <summary>The address of the application.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>How many pages are connected for live updates.</summary>
    public int OpenEvents => _app.Services.GetRequiredService<WorkinIt.DeadLetters.Dashboard.BoardPages.BoardEvents>().Connections;

    internal CatalogueStore Store => _app.Services.GetRequiredService<CatalogueDatabase>().Store.GetAwaiter().GetResult();

    /// <summary>The version of the catalogue: a transaction that changes it adds one.</summary>
    public Task<long> VersionAsync() => Store.Reader.VersionAsync(CancellationToken.None);

    /// <summary>Starts an empty catalogue.</summary>
    /// <param name="database">A connection string; null: a new SQLite file.</param>
    /// <param name="configure">More options of the pages.</param>
    /// <param name="isFed">Whether the application tries to feed the catalogue, which fails because no broker answers.</param>
    /// <param name="sources">More sources; nothing answers at their addresses either.</param>
    public static async Task<CatalogueSite> StartAsync(string? database = null, Action<DashboardOptions>? configure = null, bool isFed = false, params string[] sources)
    {
        var brokers = sources.Prepend(Source).Select((name, index) =>
            (name, DeadLetterOptions.Parse($"amqp://nobody:nothing@127.0.0.1:{index + 1}/{name}", new Uri($"http://127.0.0.1:{index + 1}"))));
        var site = await StartAsync(
            [.. brokers], folder => new CatalogueOptions { Database = Database.Parse(database ?? $"Data Source={Path.Combine(folder, "catalogue.db")}"), Source = Source, IsFed = isFed }, configure);
        if (database is null)
            await site._app.Services.GetRequiredService<CatalogueDatabase>().Store;
        return site;
    }

    /// <summary>Starts the pages over real brokers. The first one is the default source.</summary>
    /// <param name="hasCatalogue">Whether there is a catalogue, fed by the brokers; otherwise the pages read the queues.</param>
    /// <param name="brokers">The sources.</param>
    public static Task<CatalogueSite> StartOverAsync(bool hasCatalogue, params (string Name, DeadLetterOptions Broker)[] brokers) => StartOverAsync(hasCatalogue, null, brokers);

    /// <inheritdoc cref="StartOverAsync(bool, ValueTuple{string, DeadLetterOptions}[])"/>
    /// <param name="hasCatalogue">As above.</param>
    /// <param name="configure">More options of the pages.</param>
    /// <param name="brokers">As above.</param>
    public static Task<CatalogueSite> StartOverAsync(bool hasCatalogue, Action<DashboardOptions>? configure, params (string Name, DeadLetterOptions Broker)[] brokers) => StartAsync(
        brokers,
        folder => hasCatalogue
            ? new CatalogueOptions { Database = Database.Parse($"Data Source={Path.Combine(folder, "catalogue.db")}"), Source = brokers[0].Name, CheckInterval = TimeSpan.FromMilliseconds(200) }
            : null,
        configure);

    private static async Task<CatalogueSite> StartAsync((string Name, DeadLetterOptions Broker)[] brokers, Func<string, CatalogueOptions?> catalogue, Action<DashboardOptions>? configure)
    {
        var folder = Directory.CreateTempSubdirectory("catalogue-").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddDeadLetters(_ => brokers[0].Broker, _ => Path.Combine(folder, "audit.jsonl"));
        foreach (var (name, broker) in brokers[1..])
            builder.Services.AddDeadLetterSource(name, _ => broker);
        if (catalogue(folder) is { } options)
            builder.Services.AddDeadLetterCatalogue(_ => options);
        builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, SignedIn>("test", null);
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy("view", policy => policy.RequireRole("support", "operator")).AddPolicy("operate", policy => policy.RequireRole("operator"));
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapDeadLetters("/dead-letters", it =>
        {
            (it.ViewPolicy, it.OperatePolicy, it.Title) = ("view", "operate", "Shop");
            configure?.Invoke(it);
        });
        await app.StartAsync();
        return new CatalogueSite(app, folder);
    }

    /// <summary>Makes a token of the API.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="operates">Whether it may operate.</param>
    /// <param name="expiresAt">When it expires; null: never.</param>
    /// <returns>Its id, and the token itself.</returns>
    public async Task<(string Id, string Secret)> MakeTokenAsync(string name = "deploy-bot", bool operates = true, DateTimeOffset? expiresAt = null)
    {
        await _app.Services.GetRequiredService<CatalogueDatabase>().Store;
        var (token, secret) = await _app.Services.GetRequiredService<TokenStore>().MakeAsync(name, operates ? TokenScope.Operate : TokenScope.View, "Sam", expiresAt, CancellationToken.None);
        return (token.Id, secret);
    }

    /// <summary>Adds letters as the feed would.</summary>
    /// <param name="letters">The letters.</param>
    public Task AddAsync(params IEnumerable<FailedLetter> letters) => AddToAsync(Source, letters);

    /// <summary>Adds letters to a source as its feed would.</summary>
    /// <param name="source">The source.</param>
    /// <param name="letters">The letters.</param>
    public Task AddToAsync(string source, params IEnumerable<FailedLetter> letters) =>
        Store.Writer.AddAsync(source, [.. letters.Select(letter => new NewLetter(letter.Build(), Redelivered: false))], CancellationToken.None);

    /// <summary>Adds letters as the feed would whose queue is missing.</summary>
    /// <param name="letters">The letters.</param>
    public Task KeepAsync(params IEnumerable<FailedLetter> letters) =>
        Store.Writer.AddAsync(Source, [.. letters.Select(letter => new NewLetter(letter.Build(), Redelivered: false, IsKept: true))], CancellationToken.None);

    /// <summary>Says that a queue no longer exists.</summary>
    /// <param name="queue">The queue.</param>
    public Task RemoveQueueAsync(string queue) => Store.Writer.RemoveQueueAsync(Source, queue, CancellationToken.None);

    /// <summary>Says what the broker says of a queue.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="messages">How many messages are in it.</param>
    /// <param name="problem">What is wrong.</param>
    /// <param name="walked">How many letters a walk that is not finished has read; null: it was read completely.</param>
    /// <param name="fed">Whether copies come.</param>
    /// <param name="source">The queue's source.</param>
    public Task QueueAsync(string queue, long messages, string problem = "", long? walked = null, bool fed = true, string source = Source) => Store.Writer.SaveQueueAsync(
        new CatalogueQueue
        {
            Source = source,
            Name = queue,
            InputQueue = queue.Replace("_error", "", StringComparison.Ordinal),
            IsFed = fed,
            Problem = problem,
            Messages = messages,
            IsWalking = walked is not null,
            Walked = walked ?? 0,
            WalkedAt = walked is null ? DateTimeOffset.UtcNow.AddHours(-2) : null,
        },
        CancellationToken.None);

    /// <summary>Writes that a replay on another instance has ended, as that instance would.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="result">Its result in one line.</param>
    public async Task RanElsewhereAsync(string operation, string queue, string result)
    {
        var log = _app.Services.GetRequiredService<OperationLog>();
        await log.BeginAsync(
            new SharedOperation { Id = operation, Queue = queue, Title = $"replay all in {queue}", By = "Sam", IsDryRun = false, StartedAt = DateTimeOffset.UtcNow.AddMinutes(-7) }, null, CancellationToken.None);
        await log.EndAsync(operation, new OperationProgress(1, 1, 1, 0, 0, false), result, null, CancellationToken.None);
    }

    /// <summary>Writes the notice of a replay.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="queue">The queue that the letters left.</param>
    /// <param name="ids">The dead letters' ids, in the order of their numbers in the replay.</param>
    public Task NoteReplayAsync(string operation, string queue, params IReadOnlyList<string> ids) => Store.Replays.WriteAsync(
        Source,
        [
            new ReportDelivery(0, null, new ReplayNotice
            {
                Operation = operation,
                LetterQueue = queue,
                At = DateTimeOffset.UtcNow.AddMinutes(-7),
                Messages = [.. ids.Select((id, index) => new ReplayedItem(index + 1, id, "orders"))],
            }),
        ],
        CancellationToken.None);

    /// <summary>Writes a report of the application about a replayed message.</summary>
    /// <param name="replayId">The operation's id, a dot, and the message's number in it.</param>
    /// <param name="kind">What happened: Taken, Handled, Failed, Delayed or Skipped.</param>
    /// <param name="until">When a delayed message comes back.</param>
    public Task ReportAsync(string replayId, string kind, DateTimeOffset? until = null) => Store.Replays.WriteAsync(
        Source,
        [
            new ReportDelivery(0, new ReplayReport
            {
                ReplayId = replayId,
                Kind = Enum.Parse<ReportKind>(kind),
                At = DateTimeOffset.UtcNow,
                Queue = "orders",
                Consumer = "Shop.PlaceOrderConsumer",
                Version = "2.4.0",
                Milliseconds = 12,
                Until = until,
            }, null),
        ],
        CancellationToken.None);

    /// <summary>Marks letters as replayed.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="by">The operator.</param>
    /// <param name="at">When.</param>
    /// <param name="ids">The dead letters' ids.</param>
    public Task ReplayedAsync(string queue, string by, DateTimeOffset at, params IReadOnlyList<string> ids) =>
        Store.Writer.MarkMovedAsync(Source, queue, ids, LetterState.Replayed, "0199c4f0000070008000000000000009", by, at, CancellationToken.None);

    /// <summary>Stops the application.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [SuppressMessage("Performance", "CA1812", Justification = "The scheme creates it")]
    private sealed class SignedIn(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory log, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, log, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            var role = Request.Headers["X-Role"].ToString() is { Length: > 0 } other ? other : "operator";
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, "Erin"), new Claim(ClaimTypes.Role, role)], "test");
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), "test")));
        }
    }
}
