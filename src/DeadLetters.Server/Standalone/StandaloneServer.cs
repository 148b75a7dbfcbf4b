using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters.Server.OpenId;
using WorkinIt.ServiceDefaults;
using WorkinIt.SignIn;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Server.Standalone;

/// <summary>The dead-letter pages as a service of their own, for a team: RabbitMQ's users, or those of an issuer of OpenID Connect. Settings by environment, as for Web.</summary>
internal static class StandaloneServer
{
    // The catalogue's database also holds the sessions of operators, which all instances share.
    private const string Database = "Catalogue";

    // Nothing in it takes longer, and a container is killed after 15 s (deploy/dead-letters/compose.yaml).
    private static readonly TimeSpan _stop = TimeSpan.FromSeconds(10);

    public static Task<int> Main(string[] args) => Service.RunAsync(
        async () =>
        {
            if (args is ["--health", var url])
                return await Service.CheckHealthAsync(new Uri(url));

            if (args is ["--migrate"])
            {
                var configuration = CreateBuilder([]).Configuration;
                configuration.MigrateCatalogue();
                OperatorSignIn.MigrateSessions(configuration.GetDatabase(Database));
                return 0;
            }
            await using var app = Create(args);
            await app.RunAsync();
            return 0;
        },
        "Check ConnectionStrings__Catalogue");

    /// <summary>Creates the server, and its tables of sessions.</summary>
    /// <param name="args">Settings, such as <c>--ConnectionStrings:Catalogue=…</c>.</param>
    /// <param name="change">Changes the services.</param>
    /// <exception cref="OptionsValidationException">A setting is missing or invalid. The message names it.</exception>
    public static WebApplication Create(string[] args, Action<WebApplicationBuilder>? change = null)
    {
        var builder = CreateBuilder(args);
        var openId = OpenIdSettings.Read(builder.Configuration);
        OperatorSignIn.MigrateSessions(builder.Configuration.GetDatabase(Database));
        Add(builder, openId);
        change?.Invoke(builder);
        var app = builder.Build();
        Map(app, openId);
        return app;
    }

    private static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        Require(builder.Configuration);
        return builder;
    }

    private static void Require(ConfigurationManager configuration)
    {
        foreach (var (key, setting, form) in new[]
        {
            ("ConnectionStrings:DeadLetters", "ConnectionStrings__DeadLetters", "amqp://user:password@host:5672/vhost"),
            ("RabbitMqManagement:Url", "RabbitMqManagement__Url", "http://rabbitmq:15672"),
            ("ConnectionStrings:Catalogue", "ConnectionStrings__Catalogue", "Data Source=/data/catalogue.db, or Host=…;Database=…;Username=…;Password=…"),
        })
        {
            if (string.IsNullOrWhiteSpace(configuration[key]))
                throw new OptionsValidationException(setting, typeof(StandaloneServer), [$"{setting} is not set: set it to {form}"]);
        }
    }

    private static void Add(WebApplicationBuilder builder, OpenIdSettings? openId)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = _stop);
        builder.Services.AddKeyRing("WorkinIt.DeadLetters.Server");
        builder.Services.AddHsts(hsts => hsts.MaxAge = TimeSpan.FromDays(365));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddDeadLetterPages(Database, openId is null ? null : services => services.AddOpenIdSignIn(openId, provider => provider.GetRequiredService<IConfiguration>().GetDatabase(Database)));
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            "catalogue", provider => new DatabaseHealthCheck(provider.GetRequiredService<IConfiguration>().GetDatabase(Database), "operator_sessions"), HealthStatus.Unhealthy, ["ready"]));
    }

    private static void Map(WebApplication app, OpenIdSettings? openId)
    {
        app.UseHsts(); // sends nothing on localhost or over plain HTTP
        app.UseExceptionHandler(failed => failed.Run(http => PlainPage.WriteAsync(
            http, StatusCodes.Status500InternalServerError, "Something broke", "The log of the server shows what. Reload the page to try again.")));
        app.UseStatusCodePages(context => ErrorPage.ShowAsync(context.HttpContext));
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapHealth();
        app.MapGet("/", () => Results.Redirect(OperatorSignIn.Path));
        if (openId is null)
            SignInPage.Map(app);
        else
            OpenIdSignIn.Map(app);
        app.MapDeadLetterPages("Dead letters", openId is null ? null : OpenIdSignOut.RunAsync);
    }
}
