using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>An application with the dead-letter pages and a catalogue. Its broker is unreachable: the pages of causes need none.</summary>
internal sealed class TriagePages : IAsyncDisposable
{
    private readonly SqliteFolder _folder = new();
    private readonly WebApplication _app;

    private TriagePages(NotificationOptions notifications, bool isOpen)
    {
        Database.TryParse(_folder.ConnectionString, out var database, out _).ShouldBeTrue();
        var options = new CatalogueOptions { Database = database!, Source = TestLetters.Source };
        Catalogue = CatalogueStore.Open(options, TimeProvider.System);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Logs);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse("amqp://jane:secret@127.0.0.1:1", new Uri("http://127.0.0.1:1")), _ => AuditPath);
        builder.Services.AddSingleton(options);
        builder.Services.AddTriage(_ => isOpen ? Task.FromResult(Catalogue) : new TaskCompletionSource<CatalogueStore>().Task, _ => notifications);
        builder.Services.AddSingleton(this);
        builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, SignedIn>("test", null);
        builder.Services.AddAuthorizationBuilder().AddPolicy("view", policy => policy.RequireAuthenticatedUser()).AddPolicy("operate", policy => policy.RequireRole("operator"));
        _app = builder.Build();
        _app.MapDeadLetters("/dead-letters", it => (it.ViewPolicy, it.OperatePolicy) = ("view", "operate"));
    }

    public CatalogueStore Catalogue { get; }

    public PageClient Client { get; private set; } = null!;

    public MemoryLogs Logs { get; } = new();

    public string AuditPath => Path.Combine(Path.GetDirectoryName(_folder.File)!, "audit.jsonl");

    public string DatabaseFile => _folder.File;

    /// <summary>Whether the user may operate.</summary>
    public bool IsOperator { get; set; } = true;

    public static Task<TriagePages> StartAsync(params NotificationReceiver[] receivers) => StartAsync(isOpen: true, receivers);

    /// <param name="isOpen">Whether the catalogue's database could be opened.</param>
    /// <param name="receivers">The receivers.</param>
    public static async Task<TriagePages> StartAsync(bool isOpen, params NotificationReceiver[] receivers)
    {
        var pages = new TriagePages(new NotificationOptions { Receivers = receivers }, isOpen);
        await pages._app.StartAsync();
        pages.Client = new PageClient(new Uri(pages._app.Urls.Single()));
        return pages;
    }

    public T Service<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Adds a dead letter, and returns the id of its cause.</summary>
    public async Task<string> AddAsync(DeadLetter letter)
    {
        await Catalogue.Writer.AddAsync(TestLetters.Source, [letter.Copy()], default);
        return Cause.Of(letter).Id;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        await Catalogue.DisposeAsync();
        _folder.Dispose();
    }

    [SuppressMessage("Performance", "CA1812", Justification = "The container creates it")]
    private sealed class SignedIn(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, TriagePages pages)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            Claim[] claims = pages.IsOperator ? [new(ClaimTypes.Name, "ann"), new(ClaimTypes.Role, "operator")] : [new(ClaimTypes.Name, "ann")];
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme.Name)), Scheme.Name)));
        }
    }
}

/// <summary>Keeps all that is logged.</summary>
internal sealed class MemoryLogs : ILoggerProvider, ILogger
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

    public string Text => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
