using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.SignIn;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>The board for one person, on this machine only: 127.0.0.1, without TLS, open to the browser that has the link.</summary>
internal static class LocalServer
{
    /// <summary>The path of the board.</summary>
    public const string Path = OperatorSignIn.Path;

    private static readonly TimeSpan _stopPatience = TimeSpan.FromSeconds(10);

    /// <summary>The link that gives a browser access.</summary>
    public static Uri LinkOf(Uri address, string token) => new(address, $"/?token={token}");

    /// <summary>Runs until it is cancelled.</summary>
    /// <param name="options">What to show, and to whom.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="PortTakenException">Another process listens on the port.</exception>
    public static async Task RunAsync(LocalServerOptions options, CancellationToken cancellationToken)
    {
        if (options.SignsIn)
            OperatorSignIn.MigrateSessions(options.Catalogue.Database);
        // An empty builder reads no settings: those of the folder and the environment may be another application's.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "workinit" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });
        var link = new AccessLink(TimeProvider.System);
        var access = new LocalAccess(link, options);
        Add(builder.Services, options, access);
        await using var app = builder.Build();
        Map(app, options, access);
        await StartAsync(app, options.Port, cancellationToken);
        var address = new Uri(app.Urls.First());
        await options.ShowLink(options.SignsIn ? address : LinkOf(address, link.Token));
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var patience = new CancellationTokenSource(_stopPatience);
        await app.StopAsync(patience.Token);
    }

    private static void Add(IServiceCollection services, LocalServerOptions options, LocalAccess access)
    {
        services.AddSingleton<ILoggerProvider>(_ => new LocalLog(options.WriteLog));
        services.AddRouting();
        services.AddSingleton<IHostLifetime, CallerLifetime>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = _stopPatience);
        services.AddDeadLetters(_ => options.Broker, _ => options.AuditFile);
        services.AddDeadLetterCatalogue(_ => options.Catalogue);
        if (options.Advisor is { } advisor)
            services.AddSingleton(advisor);
        services.AddAntiforgery(antiforgery => antiforgery.Cookie.Name = "workinit-form");
        services.AddDataProtection().AddKeyManagementOptions(keys => keys.XmlRepository = new MemoryKeys());
        if (options.SignsIn)
            services.AddOperatorSignIn(options.Broker.Management, _ => options.Catalogue.Database);
        else
            access.Add(services);
    }

    private static void Map(WebApplication app, LocalServerOptions options, LocalAccess access)
    {
        app.UseRequestOrigin();
        app.UseExceptionHandler(failed => failed.Run(http => PlainPage.WriteAsync(http, StatusCodes.Status500InternalServerError, "Something broke", "The terminal where workinit runs shows what. Reload the page to try again.")));
        app.UseStatusCodePages(context => ErrorPage.ShowAsync(context.HttpContext));
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        if (options.SignsIn)
            MapSignIn(app);
        else
            access.Map(app);
        app.MapDeadLetters(Path, pages =>
        {
            (pages.ViewPolicy, pages.OperatePolicy) = options.SignsIn ? (OperatorSignIn.View, OperatorSignIn.Operate) : (LocalAccess.Policy, LocalAccess.Policy);
            pages.SignOutPath = options.SignsIn ? OperatorSignIn.SignOutPath : null;
            pages.ManagementUi = options.Broker.Management;
        });
    }

    private static void MapSignIn(WebApplication app)
    {
        app.MapGet("/", http =>
        {
            http.Response.Redirect(Path);
            return Task.CompletedTask;
        });
        SignInPage.Map(app);
        app.MapSignOut();
    }

    private static async Task StartAsync(WebApplication app, int port, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new PortTakenException(port, e);
        }
    }

    // Who runs the server waits for Ctrl-C.
    private sealed class CallerLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
