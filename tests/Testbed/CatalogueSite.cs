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
using WorkinIt.DeadLetters.Catalogue.Store;
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
    private const string Source = "shop";

    private readonly WebApplication _app;
    private readonly string _folder;

    private CatalogueSite(WebApplication app, string folder) => (_app, _folder) = (app, folder);

    /// <summary>The address of the application.</summary>
    public Uri Address => new(_app.Urls.First());

    internal CatalogueStore Store => _app.Services.GetRequiredService<CatalogueDatabase>().Store.GetAwaiter().GetResult();

    /// <summary>Starts an empty catalogue.</summary>
    /// <param name="database">A connection string; null: a new SQLite file.</param>
    /// <param name="configure">More options of the pages.</param>
    /// <param name="isFed">Whether the application tries to feed the catalogue, which fails because no broker answers.</param>
    public static async Task<CatalogueSite> StartAsync(string? database = null, Action<DashboardOptions>? configure = null, bool isFed = false)
    {
        var folder = Directory.CreateTempSubdirectory("catalogue-").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddDeadLetters(
            _ => DeadLetterOptions.Parse("amqp://nobody:nothing@127.0.0.1:1/shop", new Uri("http://127.0.0.1:1")), _ => Path.Combine(folder, "audit.jsonl"));
        builder.Services.AddDeadLetterCatalogue(_ => new CatalogueOptions { Database = Database.Parse(database ?? $"Data Source={Path.Combine(folder, "catalogue.db")}"), Source = Source, IsFed = isFed });
        builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, SignedIn>("test", null);
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy("view", policy => policy.RequireRole("support", "operator")).AddPolicy("operate", policy => policy.RequireRole("operator"));
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapDeadLetters("/dead-letters", options =>
        {
            (options.ViewPolicy, options.OperatePolicy, options.Title) = ("view", "operate", "Shop");
            configure?.Invoke(options);
        });
        await app.StartAsync();
        var site = new CatalogueSite(app, folder);
        if (database is null)
            await app.Services.GetRequiredService<CatalogueDatabase>().Store;
        return site;
    }

    /// <summary>Adds letters as the feed would.</summary>
    /// <param name="letters">The letters.</param>
    public Task AddAsync(params IEnumerable<FailedLetter> letters) =>
        Store.Writer.AddAsync(Source, [.. letters.Select(letter => new NewLetter(letter.Build(), Redelivered: false))], CancellationToken.None);

    /// <summary>Says what the broker says of a queue.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="messages">How many messages are in it.</param>
    /// <param name="problem">What is wrong.</param>
    /// <param name="walked">How many letters a walk that is not finished has read; null: it was read completely.</param>
    /// <param name="fed">Whether copies come.</param>
    public Task QueueAsync(string queue, long messages, string problem = "", long? walked = null, bool fed = true) => Store.Writer.SaveQueueAsync(
        new CatalogueQueue
        {
            Source = Source,
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
