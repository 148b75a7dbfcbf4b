using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using WorkinIt.ServiceDefaults;
using WorkinIt.SignIn;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Server.Standalone;

/// <summary>The dead-letter pages as a service of their own, for the RabbitMQ users of a team. Settings by environment, as for Web.</summary>
internal static class StandaloneServer
{
    // The catalogue's database also holds the sessions of operators, which all instances share.
    private const string Database = "Catalogue";

    public static Task<int> Main(string[] args) => Service.RunAsync(
        async () =>
        {
            if (args is ["--health", var url])
                return await Service.CheckHealthAsync(new Uri(url));

            var migrates = args is ["--migrate"];
            var builder = WebApplication.CreateBuilder(migrates ? [] : args);
            builder.AddServiceDefaults();
            Require(builder.Configuration);
            if (migrates)
                builder.Configuration.MigrateCatalogue();
            OperatorSignIn.MigrateSessions(builder.Configuration.GetDatabase(Database));
            if (migrates)
                return 0;
            Add(builder);
            await using var app = builder.Build();
            Map(app);
            await app.RunAsync();
            return 0;
        },
        "Check ConnectionStrings__Catalogue");

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

    private static void Add(WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        });
        builder.Services.AddKeyRing("WorkinIt.DeadLetters.Server");
        builder.Services.AddHsts(hsts => hsts.MaxAge = TimeSpan.FromDays(365));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddDeadLetterPages(Database);
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            "catalogue", provider => new DatabaseHealthCheck(provider.GetRequiredService<IConfiguration>().GetDatabase(Database), "operator_sessions"), HealthStatus.Unhealthy, ["ready"]));
    }

    private static void Map(WebApplication app)
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
        SignInPage.Map(app);
        app.MapDeadLetterPages("Dead letters");
    }
}
