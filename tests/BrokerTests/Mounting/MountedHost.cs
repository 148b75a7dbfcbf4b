using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>An application of another team on a real port, with the pages at /dead-letters, mounted as the README of the package says.</summary>
internal sealed class MountedHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HostLog _log;
    private readonly string _folder;

    private MountedHost(WebApplication app, HostLog log, string folder) => (_app, _log, _folder) = (app, log, folder);

    public Uri Address => new(_app.Urls.First());

    /// <summary>What was logged as a warning or worse, with its exception.</summary>
    public ConcurrentQueue<string> Problems => _log.Lines;

    /// <param name="orders">The queues.</param>
    /// <param name="add">The services of the host; null: a sign-in with cookies.</param>
    /// <param name="use">The middleware of the host, in front of the authentication.</param>
    /// <param name="map">The host's own endpoints.</param>
    /// <param name="user">The RabbitMQ user of the pages.</param>
    public static async Task<MountedHost> StartAsync(
        Orders orders, Action<WebApplicationBuilder>? add = null, Action<WebApplication>? use = null, Action<WebApplication>? map = null, string user = "operator")
    {
        var (log, folder) = (new HostLog(), Directory.CreateTempSubdirectory("mounted-").FullName);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = typeof(MountedHost).Assembly.GetName().Name, ContentRootPath = folder });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddDeadLetters(_ => orders.Options with { Username = user, Password = user }, _ => Path.Combine(folder, "audit", "audit.jsonl"));
        builder.Services.AddAuthorizationBuilder().AddPolicy("view", policy => policy.RequireRole("support", "operator")).AddPolicy("operate", policy => policy.RequireRole("operator"));
        (add ?? AddCookies)(builder);
        var app = builder.Build();
        use?.Invoke(app);
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        map?.Invoke(app);
        app.MapDeadLetters("/dead-letters", "view", "operate");
        app.MapPost("/sign-in/{name}/{role}", (string name, string role, HttpContext http) => http.SignInAsync(
            new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Role, role)], "form"))));
        await app.StartAsync();
        return new MountedHost(app, log, folder);
    }

    public static void AddCookies(WebApplicationBuilder builder) => builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class HostLog : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Lines.Enqueue(formatter(state, exception) + exception);
        }

        public void Dispose()
        {
        }
    }
}
